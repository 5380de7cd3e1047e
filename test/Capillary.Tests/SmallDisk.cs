using System.Diagnostics;
using Xunit;

namespace Capillary.Tests;

/// <summary>A small file system at a folder until it is disposed.</summary>
internal sealed class SmallDisk : IDisposable
{
    private static readonly Lazy<string?> Asked = new(Ask);
    private readonly string folder;

    public SmallDisk(string folder, string size)
    {
        this.folder = folder;
        if (Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", folder) is { } reason) throw new InvalidOperationException(reason);
    }

    /// <summary>Why this machine mounts none; null: it does.</summary>
    public static string? Refusal => Asked.Value;

    // Lazily: who just ended may hold it for a moment more.
    public void Dispose() => Run("umount", "-l", folder);

    private static string? Ask()
    {
        var folder = Directory.CreateTempSubdirectory("capillary-disk-").FullName;
        try
        {
            using var disk = new SmallDisk(folder, "64k");
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"this machine mounts no small file system: {e.Message}";
        }
        finally
        {
            Directory.Delete(folder);
        }
    }

    private static string? Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : errors.Trim();
    }
}

/// <summary>A test that fills a small disk; skipped, with the system's own words, where none can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute() => Skip = SmallDisk.Refusal;
}

/// <summary>The same, with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskTheoryAttribute : TheoryAttribute
{
    public SmallDiskTheoryAttribute() => Skip = SmallDisk.Refusal;
}
