using System.Runtime.CompilerServices;
using System.Text.Json;
using Capillary.Jinja;

namespace Capillary.Tests.Jinja.Differential;

/// <summary>The cases written by hand: <c>corpus.txt</c> and the templates of <c>jinja2-golden.json</c>.</summary>
internal static class Corpus
{
    private const char Newline = '⏎';

    public static JsonElement Context => Parse(File.ReadAllText(PathOf("context.json")));

    public static JinjaValue ContextValue => Convert(Context);

    /// <summary>
    /// A line is a template. ⏎ is a line end, <c>¦ name=…</c> begins another template, <c>!D01 </c> names a deviation, <c>@ {…}</c> sets the
    /// options from there on, and <c>: a ; b</c> holds expressions, each of which is printed.
    /// </summary>
    public static IEnumerable<JinjaCase> Cases()
    {
        IReadOnlyDictionary<string, JsonElement> options = new Dictionary<string, JsonElement>();
        var number = 0;
        foreach (var line in File.ReadLines(PathOf("corpus.txt")))
        {
            number++;
            if (line.Length == 0 || line.StartsWith("// ", StringComparison.Ordinal)) continue;
            if (line.StartsWith("@ ", StringComparison.Ordinal)) options = Options(Parse(line[2..]));
            else foreach (var one in CasesOf($"corpus.txt:{number}", line, options)) yield return one;
        }
        foreach (var one in Golden()) yield return one;
    }

    private static IEnumerable<JinjaCase> CasesOf(string name, string line, IReadOnlyDictionary<string, JsonElement> options)
    {
        string? deviation = null;
        if (line[0] == '!') (deviation, line) = (line[1..line.IndexOf(' ')], line[(line.IndexOf(' ') + 1)..]);
        if (line.StartsWith(": ", StringComparison.Ordinal))
        {
            foreach (var expression in line[2..].Split(" ; ")) yield return new(name, Only($"{{{{ {expression} }}}}"), options, deviation);
            yield break;
        }
        var parts = line.Replace(Newline, '\n').Split("¦ ");
        var templates = Only(parts[0]);
        foreach (var part in parts.Skip(1)) templates[part[..part.IndexOf('=')]] = part[(part.IndexOf('=') + 1)..];
        yield return new(name, templates, options, deviation);
    }

    private static IEnumerable<JinjaCase> Golden()
    {
        var golden = Parse(File.ReadAllText(PathOf("../jinja2-golden.json")));
        foreach (var test in golden.GetProperty("cases").EnumerateArray())
        {
            var options = test.TryGetProperty("options", out var given) ? Options(given) : new Dictionary<string, JsonElement>();
            yield return new("golden", Only(test.GetProperty("template").GetString()!), options);
        }
    }

    private static Dictionary<string, string> Only(string source) => new() { [JinjaCase.Main] = source };

    private static Dictionary<string, JsonElement> Options(JsonElement json) => json.EnumerateObject().ToDictionary(p => p.Name, p => p.Value);

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    public static string PathOf(string file, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, file);

    public static JinjaValue Convert(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString()!,
        JsonValueKind.Number => json.TryGetInt64(out var integer) ? JinjaValue.From(integer) : json.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => JinjaValue.FromList([.. json.EnumerateArray().Select(Convert)]),
        JsonValueKind.Object => JinjaValue.FromMap(json.EnumerateObject().ToDictionary(p => p.Name, p => Convert(p.Value))),
        _ => JinjaValue.None,
    };
}
