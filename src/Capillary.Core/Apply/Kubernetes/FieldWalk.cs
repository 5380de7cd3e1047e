using System.Globalization;
using System.Text.Json;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>A field that the bundle sets and we do not own.</summary>
/// <param name="Path">For a person: <c>.spec.template.spec.containers[name="web"].image</c>.</param>
/// <param name="Pointer">In the live object, RFC 6901.</param>
/// <param name="By">Whose it is; "": nobody's, it is not there.</param>
/// <param name="At">Since when, RFC 3339; "" when not known.</param>
internal sealed record LostField(string Path, string Pointer, string By, string At);

/// <summary>Walks a field set (FieldsV1: <c>f:name</c>, <c>k:{keys}</c>, <c>v:value</c>, <c>.</c>) beside the objects it speaks
/// of.</summary>
internal static class FieldWalk
{
    /// <summary>Fields that another manager owns, that the bundle sets, and that are not ours too.</summary>
    public static void Lost(JsonElement theirs, JsonElement? ours, JsonElement manifest, JsonElement? live, LostField at,
        List<LostField> lost)
    {
        foreach (var field in theirs.EnumerateObject())
        {
            if (Into(field.Name, manifest, live) is not var (segment, inManifest, inLive, index)) continue;
            var here = at with { Path = at.Path + segment, Pointer = $"{at.Pointer}/{Escaped(index)}" };
            JsonElement? mine = ours is { } own && own.TryGetProperty(field.Name, out var same) ? same : null;
            var isLeaf = !field.Value.EnumerateObject().Any(inner => inner.Name != ".");
            if (!isLeaf) Lost(field.Value, mine, inManifest, inLive, here, lost);
            else if (mine is null) lost.Add(here);
        }
    }

    /// <summary>Fields that the bundle sets and that are not there. Empty ones are not looked for: the server drops them.</summary>
    public static void Missing(JsonElement manifest, JsonElement live, string path, string pointer, List<LostField> lost)
    {
        foreach (var member in manifest.EnumerateObject())
        {
            if (path.Length == 0 && member.Name is "apiVersion" or "kind" or "status" || IsEmpty(member.Value)) continue;
            var (innerPath, innerPointer) = ($"{path}.{member.Name}", $"{pointer}/{Escaped(member.Name)}");
            // What only we write and the API does not return: the server folds stringData into data.
            if (innerPath == ".stringData") continue;
            if (!live.TryGetProperty(member.Name, out var there)) lost.Add(new LostField(innerPath, innerPointer, "", ""));
            else if (member.Value.ValueKind == JsonValueKind.Object && there.ValueKind == JsonValueKind.Object)
                Missing(member.Value, there, innerPath, innerPointer, lost);
        }
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.String => value.GetString()!.Length == 0,
        JsonValueKind.Number => value.GetRawText() == "0",
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(inner => !IsEmpty(inner.Value)),
        _ => false,
    };

    /// <summary>One step of a field path; null where the bundle has nothing there.</summary>
    private static (string Segment, JsonElement Manifest, JsonElement? Live, string Index)? Into(string field, JsonElement manifest,
        JsonElement? live)
    {
        if (field.StartsWith("f:", StringComparison.Ordinal))
        {
            var name = field[2..];
            if (manifest.ValueKind != JsonValueKind.Object || !manifest.TryGetProperty(name, out var value)) return null;
            JsonElement? there = live is { ValueKind: JsonValueKind.Object } found && found.TryGetProperty(name, out var inner) ? inner
                : null;
            return ($".{name}", value, there, name);
        }
        if (manifest.ValueKind != JsonValueKind.Array || field.Length < 3 || field[1] != ':' || field[0] is not ('k' or 'v')) return null;
        using var parsed = JsonDocument.Parse(field[2..]);
        var wanted = parsed.RootElement;
        if (Find(manifest, wanted, field[0]) is not { } item) return null;
        var place = live is { ValueKind: JsonValueKind.Array } list && Find(list, wanted, field[0]) is { } at ? at
            : ((int Index, JsonElement Item)?)null;
        var segment = field[0] == 'v' ? $"[={wanted.GetRawText()}]"
            : $"[{string.Join(',', wanted.EnumerateObject().Select(key => $"{key.Name}={key.Value.GetRawText()}"))}]";
        return (segment, item.Item, place?.Item, (place?.Index ?? item.Index).ToString(CultureInfo.InvariantCulture));
    }

    private static (int Index, JsonElement Item)? Find(JsonElement list, JsonElement wanted, char how)
    {
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (how == 'v' ? JsonElement.DeepEquals(item, wanted) : HasKeys(item, wanted)) return (index, item);
            index++;
        }
        return null;
    }

    /// <summary>A key that an item does not write has a default that only the server knows.</summary>
    private static bool HasKeys(JsonElement item, JsonElement keys)
    {
        if (item.ValueKind != JsonValueKind.Object || keys.ValueKind != JsonValueKind.Object) return false;
        var any = false;
        foreach (var key in keys.EnumerateObject())
        {
            if (!item.TryGetProperty(key.Name, out var value)) continue;
            if (!JsonElement.DeepEquals(value, key.Value)) return false;
            any = true;
        }
        return any;
    }

    private static string Escaped(string segment) =>
        segment.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
