using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.HubNode.Git;

/// <summary>One commit to be made.</summary>
/// <param name="Ref">The ref that then points at it, such as <c>refs/heads/upgrade</c>.</param>
/// <param name="Parent">A commit; null: the one before in the same list.</param>
/// <param name="Committer">As <see cref="GitStore.CommitterAsync"/> gives it.</param>
/// <param name="Message">What was done and why.</param>
/// <param name="Files">By path from the repository's root; null removes.</param>
public sealed record GitChange(string Ref, string? Parent, string Committer, string Message, IReadOnlyDictionary<string, MergeFile?> Files);

/// <summary>Writes the stream that <c>git fast-import</c> reads.</summary>
internal static class GitImport
{
    public static async Task WriteAsync(Stream stream, IReadOnlyList<GitChange> changes, CancellationToken stop)
    {
        // Not disposed: that would close git's input, which its owner does.
        var output = new BufferedStream(stream, 1 << 16);
        foreach (var change in changes)
        {
            var message = Encoding.UTF8.GetBytes(change.Message);
            Text(output, $"commit {change.Ref}\ncommitter {change.Committer}\ndata {message.Length}\n");
            output.Write(message);
            Text(output, "\n");
            if (change.Parent is { } parent) Text(output, $"from {parent}\n");
            // What goes first: a file may become a folder.
            foreach (var (path, file) in change.Files.OrderBy(item => item.Value is null ? 0 : 1)
                .ThenBy(item => item.Key, StringComparer.Ordinal))
            {
                stop.ThrowIfCancellationRequested();
                if (file is null) Text(output, $"D {Quoted(path)}\n");
                else File(output, path, file);
            }
            Text(output, "\n");
        }
        Text(output, "done\n");
        await output.FlushAsync(stop);
    }

    private static void File(BufferedStream output, string path, MergeFile file)
    {
        var mode = file.Kind switch
        {
            TreeEntryKind.ExecutableFile => "100755",
            TreeEntryKind.SymbolicLink => "120000",
            _ => "100644",
        };
        Text(output, $"M {mode} inline {Quoted(path)}\ndata {file.Bytes.Length}\n");
        output.Write(file.Bytes.Span);
        Text(output, "\n");
    }

    private static string Quoted(string path)
    {
        if (path.AsSpan().IndexOfAny('"', '\n', '\\') < 0 && !path.StartsWith(' ')) return path;
        var quoted = path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return $"\"{quoted.Replace("\n", "\\n", StringComparison.Ordinal)}\"";
    }

    private static void Text(BufferedStream output, string text) => output.Write(Encoding.UTF8.GetBytes(text));
}
