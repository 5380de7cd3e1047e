using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>
/// Keeps a service's log within its limit. The service holds the file open for appending, so it is copied and cut; what it writes
/// between the end of the copy and the cut (microseconds) is lost.
/// </summary>
internal static class LogRotation
{
    public static void Rotate(string path, LogPolicy policy)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.Length < policy.MaxBytes) return;
        try
        {
            if (policy.Keep > 0)
            {
                for (var i = policy.Keep - 1; i >= 1; i--)
                {
                    if (File.Exists($"{path}.{i}")) File.Move($"{path}.{i}", $"{path}.{i + 1}", overwrite: true);
                }
                File.Copy(path, $"{path}.1", overwrite: true);
            }
        }
        catch (IOException)
        {
            // No space for the copy: the limit holds all the same, so the disk is not filled by a log.
            File.Delete($"{path}.1");
        }
        using var cut = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        cut.SetLength(0);
    }

    public static void Remove(string path)
    {
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(path)!, Path.GetFileName(path) + "*")) File.Delete(file);
    }
}
