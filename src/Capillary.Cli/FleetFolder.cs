using System.CommandLine;
using System.Text.Json;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Capillary.HubNode.Git;
using Capillary.HubNode.Publish;

namespace Capillary.Cli;

/// <summary>A fleet repository in a folder, and how its diagnostics are shown.</summary>
internal sealed class FleetFolder(string folder, TextWriter error)
{
    public static Argument<string> FolderArgument() => new("DIR")
    {
        Description = "The fleet repository's folder.",
        DefaultValueFactory = _ => ".",
    };

    public static Option<string> FolderOption() => new("--dir")
    {
        Description = "The fleet repository's folder.",
        DefaultValueFactory = _ => ".",
    };

    /// <summary>Compiles the folder as it is now; null after saying why it cannot be read.</summary>
    public FleetCompilation? Compile(FleetCompilation? previous, CancellationToken stop)
    {
        switch (FolderReader.Read(folder, stop))
        {
            case TreeRead.Done read: return CompileLoop.Compile(read.Tree, previous, stop);
            case TreeRead.Failed failure:
                error.WriteLine($"capillary: {failure.Error}");
                return null;
            default: throw new InvalidOperationException("no such outcome");
        }
    }

    /// <summary>Compiles, and shows errors; null when there are any.</summary>
    public FleetCompilation? CompileWithoutErrors(FleetCompilation? previous, CancellationToken stop)
    {
        if (Compile(previous, stop) is not { } compilation) return null;
        Show(compilation.Diagnostics, error);
        return compilation.Diagnostics.HasErrors ? null : compilation;
    }

    /// <summary>Diagnostics with paths that an editor or terminal can open from here.</summary>
    public void Show(DiagnosticList diagnostics, TextWriter writer)
    {
        foreach (var item in diagnostics.Shown)
        {
            var file = item.File.Length == 0 || folder == "." ? item.File : Path.Combine(folder, item.File);
            writer.WriteLine((item with { File = file }).ToString());
        }
        if (diagnostics.Hidden > 0) writer.WriteLine($"... and {diagnostics.Hidden:N0} more");
    }

    public static void WriteJson(Utf8JsonWriter json, DiagnosticList diagnostics)
    {
        json.WriteNumber("errors", diagnostics.ErrorCount);
        json.WriteNumber("hidden", diagnostics.Hidden);
        json.WriteStartArray("diagnostics");
        foreach (var item in diagnostics.Shown)
        {
            json.WriteStartObject();
            json.WriteString("severity", item.Severity == DiagnosticSeverity.Error ? "error" : "warning");
            json.WriteString("code", item.Code);
            json.WriteString("file", item.File);
            json.WriteNumber("line", item.Line);
            json.WriteNumber("column", item.Column);
            json.WriteString("message", item.Message);
            if (item.Suggestion is not null) json.WriteString("suggestion", item.Suggestion);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
