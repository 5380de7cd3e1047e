using Xunit;
using Capillary.Node.Keys;

namespace Capillary.Tests.Node;

public sealed class SealingKeyTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("sealing-key-").FullName;

    private string Path => System.IO.Path.Combine(folder, "sealing.pem");

    [Fact]
    public void The_key_is_made_once_and_is_its_owners_only()
    {
        using var made = SealingKey.LoadOrCreate(Path);
        using var again = SealingKey.LoadOrCreate(Path);
        Assert.Equal(made.Public, again.Public);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Fact]
    public void A_key_that_others_can_read_is_refused()
    {
        SealingKey.LoadOrCreate(Path).Dispose();
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Contains("chmod 600", Assert.Throws<InvalidDataException>(() => SealingKey.LoadOrCreate(Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_key_is_refused()
    {
        File.WriteAllText(Path, "not a key");
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Contains(Path, Assert.Throws<InvalidDataException>(() => SealingKey.LoadOrCreate(Path)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
