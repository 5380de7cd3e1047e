using System.Text.Json.Nodes;

namespace Capillary.Tests.Core.Identity;

/// <summary>One spoilt copy, and how it was spoilt.</summary>
internal sealed record Spoilt(string How, byte[] Bytes);

/// <summary>Spoils bytes in every way an adversary or a bad disk has.</summary>
internal static class Tamper
{
    private const int Seed = 20261120;

    /// <summary>Every byte flipped twice (lowest bit, and a seeded pattern), every truncation, and one byte too many.</summary>
    public static IEnumerable<Spoilt> Bytes(byte[] original)
    {
        var random = new Random(Seed);
        for (var i = 0; i < original.Length; i++)
        {
            foreach (var mask in (int[])[1, random.Next(2, 256)])
            {
                var copy = (byte[])original.Clone();
                copy[i] ^= (byte)mask;
                yield return new($"byte {i} ^ {mask} (seed {Seed})", copy);
            }
        }
        for (var length = 0; length < original.Length; length++) yield return new($"cut at {length}", original[..length]);
        yield return new("one byte more", [.. original, 0]);
        yield return new("doubled", [.. original, .. original]);
    }

    /// <summary>Every value of a JSON document replaced by others, left out, or said twice.</summary>
    public static IEnumerable<Spoilt> Json(byte[] original)
    {
        var text = System.Text.Encoding.UTF8.GetString(original);
        foreach (var path in Paths(JsonNode.Parse(text)!, []).ToList())
        {
            foreach (var other in Others)
                yield return Spoil(text, path, $"becomes {other[..Math.Min(other.Length, 20)]}", Put, other);
            yield return Spoil(text, path, "is left out", Remove);
        }
    }

    // Replaced in the text, as some of the others are no JSON that a writer would write.
    private const string Mark = "\"@other@\"";

    private static readonly string[] Others =
    [
        "null", "true", "0", "-1", "1", "2", "1.5", "1e400", "9223372036854775807", "-9223372036854775808", "99999999999999999999", "\"\"", "\"x\"",
        "\"\\u0000\"", "\"\\ud800\"", "[]", "[null]", "[null,null]", "[0]", "[\"x\"]", "[{}]", "[[]]", "{}", "{\"v\":1}",
        "[" + new string('[', 40) + new string(']', 40) + "]",
    ];

    private static IEnumerable<object[]> Paths(JsonNode? node, object[] at)
    {
        if (node is JsonObject members)
        {
            foreach (var (name, value) in members)
            {
                yield return [.. at, name];
                foreach (var deeper in Paths(value, [.. at, name])) yield return deeper;
            }
        }
        if (node is not JsonArray items) yield break;
        for (var i = 0; i < items.Count; i++)
        {
            yield return [.. at, i];
            foreach (var deeper in Paths(items[i], [.. at, i])) yield return deeper;
        }
    }

    private static Spoilt Spoil(string text, object[] path, string how, Action<JsonNode, object> change, string other = "")
    {
        var root = JsonNode.Parse(text)!;
        var parent = path[..^1].Aggregate(root, (node, key) => key is string name ? node[name]! : node[(int)key]!);
        change(parent, path[^1]);
        return new($"{string.Join('.', path)} {how}", System.Text.Encoding.UTF8.GetBytes(root.ToJsonString().Replace(Mark, other)));
    }

    private static void Put(JsonNode parent, object key)
    {
        if (key is string name) parent[name] = Mark[1..^1];
        else parent[(int)key] = Mark[1..^1];
    }

    private static void Remove(JsonNode parent, object key)
    {
        if (key is string name) parent.AsObject().Remove(name);
        else parent.AsArray().RemoveAt((int)key);
    }
}
