using Xunit;

namespace Capillary.Tests.Fleet;

/// <summary>Every case of the folder <c>Cases</c> compiles to what stands in it, to the byte.</summary>
public sealed class GoldenCaseTests
{
    public static TheoryData<string> Cases() => [.. Names()];

    public static IEnumerable<string> Names() =>
        Directory.EnumerateFiles(CaseFile.Folder(), "*.txt").Select(Path.GetFileNameWithoutExtension).OfType<string>()
            .Order(StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_fleet_compiles_to_what_its_case_says(string name)
    {
        var file = CaseFile.Load(name);
        var actual = CaseFile.Describe(CaseFile.Compile(file.Files));
        if (GoldenFile.Updating) File.WriteAllText(file.Path, file.Input + actual);
        else Assert.Equal(file.Expectation, actual);
    }
}
