using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Cli;

/// <summary>Shows conflicts to people and to programs.</summary>
internal static class ConflictText
{
    private const int MaxPlaces = 3;
    private static readonly MergeLabels Labels = new("here", "before", "template");

    /// <summary>Its short name on the command line.</summary>
    public static string Name(TreeConflict conflict) => $"{conflict.Path}#{conflict.Hunk}";

    /// <summary>True when a person means it by a file or file#number, named as it is here or as it will be.</summary>
    public static bool IsNamed(TreeConflict conflict, string name) => name == conflict.Path || name == Name(conflict)
        || (conflict.NewPath is { } other && (name == other || name == $"{other}#{conflict.Hunk}"));

    public static void Write(TextWriter output, IReadOnlyList<TreeConflict> conflicts, ResolutionStore? resolutions)
    {
        foreach (var conflict in conflicts)
        {
            var renamed = conflict.NewPath is { } other ? $" -> {other}" : "";
            output.Write($"conflict {Name(conflict)}{renamed}: {Reason(conflict.Kind)}\n");
            if (conflict.Kind == ConflictKind.Lines && IsShown(conflict)) output.Write(Encoding.UTF8.GetString(Marked(conflict)));
            else Sides(output, conflict);
            if (resolutions?.Find(conflict) is not { } known) continue;
            var places = string.Join(", ", known.Instances.Take(MaxPlaces));
            output.Write($"  decided at {places}: {Say(known.Resolution)}; --use-known takes it over\n");
        }
    }

    /// <summary>The lines of all three sides between markers.</summary>
    public static byte[] Marked(TreeConflict conflict) =>
        new MergedText([new MergePiece.Conflict(Bytes(conflict.Base), Bytes(conflict.Ours), Bytes(conflict.Theirs), false)])
            .ToBytes(Labels, withBase: true);

    public static void WriteJson(Utf8JsonWriter json, IReadOnlyList<TreeConflict> conflicts, ResolutionStore? resolutions)
    {
        json.WriteStartArray("conflicts");
        foreach (var conflict in conflicts)
        {
            json.WriteStartObject();
            json.WriteString("path", conflict.Path);
            if (conflict.NewPath is { } other) json.WriteString("newPath", other);
            json.WriteNumber("hunk", conflict.Hunk);
            json.WriteString("kind", JsonNamingPolicy.CamelCase.ConvertName(conflict.Kind.ToString()));
            json.WriteString("key", conflict.Key);
            Side(json, "base", conflict.Base);
            Side(json, "ours", conflict.Ours);
            Side(json, "theirs", conflict.Theirs);
            if (resolutions?.Find(conflict) is { } known) json.WriteString("known", Say(known.Resolution));
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    public static string Say(Resolution resolution) => resolution switch
    {
        Resolution.Ours => "as it is here",
        Resolution.Theirs => "as in the template",
        _ => "written by hand",
    };

    private static void Sides(TextWriter output, TreeConflict conflict)
    {
        foreach (var (name, side) in new[] { ("before", conflict.Base), ("here", conflict.Ours), ("template", conflict.Theirs) })
        {
            var text = side is null ? "not there" : conflict.Kind == ConflictKind.Renamed || !conflict.HasChoice
                || side.Kind == TreeEntryKind.SymbolicLink
                ? Encoding.UTF8.GetString(side.Bytes.Span)
                    : $"{side.Bytes.Length:N0} bytes{(side.Kind == TreeEntryKind.ExecutableFile ? ", executable" : "")}"
                    + (TextMerge.IsText(side.Bytes.Span) ? "" : ", binary or not UTF-8");
            output.Write($"  {name}: {text}\n");
        }
    }

    private static void Side(Utf8JsonWriter json, string name, MergeFile? side)
    {
        if (side is null) json.WriteNull(name);
        else if (Utf8.IsValid(side.Bytes.Span)) json.WriteString(name, side.Bytes.Span);
        else json.WriteBase64String(name + "Base64", side.Bytes.Span);
    }

    private static bool IsShown(TreeConflict conflict) => new[] { conflict.Base, conflict.Ours, conflict.Theirs }
        .All(side => TextMerge.IsText(Bytes(side).Span));

    private static ReadOnlyMemory<byte> Bytes(MergeFile? side) => side?.Bytes ?? default;

    private static string Reason(ConflictKind kind) => kind switch
    {
        ConflictKind.Lines => "both changed these lines",
        ConflictKind.Whole => "both changed the file, and it has no lines to merge",
        ConflictKind.RemovedHere => "removed here, changed in the template",
        ConflictKind.RemovedThere => "changed here, removed in the template",
        ConflictKind.Mode => "both changed its mode",
        ConflictKind.Renamed => "both gave it another name",
        ConflictKind.NameTaken => "the template gives a file this name, and another file has it here; move that one away",
        _ => "a file and a folder would have one name; move one of them away",
    };
}
