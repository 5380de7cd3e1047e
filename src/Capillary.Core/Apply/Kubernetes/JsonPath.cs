using System.Text;
using System.Text.Json;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>
/// The part of kubectl's JSONPath that health rules need: members (<c>.status.phase</c>, <c>['a.b']</c>), items (<c>[0]</c>,
/// <c>[*]</c>) and filters (<c>[?(@.type=="Ready")]</c>, <c>!=</c>, or the bare path for "is there"). It never fails on an object: what
/// is not there gives no value.
/// </summary>
public sealed class JsonPath
{
    /// <summary>The longest path, in characters.</summary>
    public const int MaxLength = 512;

    private readonly List<Step> steps;

    private JsonPath(List<Step> steps) => this.steps = steps;

    /// <summary>The path, or null with what is wrong.</summary>
    public static JsonPath? Parse(string text, out string? problem)
    {
        var reader = new Reader(text);
        var steps = reader.Steps(inFilter: false);
        problem = steps is null ? $"'{text}' is not a path: {reader.Problem}" : null;
        return steps is null ? null : new JsonPath(steps);
    }

    /// <summary>All values at this path, in the order in which they stand. A JSON <c>null</c> counts as no value.</summary>
    public IEnumerable<JsonElement> Of(JsonElement root) => Follow(root, steps);

    private static IEnumerable<JsonElement> Follow(JsonElement root, List<Step> steps)
    {
        IEnumerable<JsonElement> values = [root];
        foreach (var step in steps) values = values.SelectMany(step.From);
        return values.Where(value => value.ValueKind != JsonValueKind.Null);
    }

    /// <summary>A value as text: a string as it is, everything else as JSON.</summary>
    internal static string TextOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private abstract record Step
    {
        public abstract IEnumerable<JsonElement> From(JsonElement value);
    }

    private sealed record Member(string Name) : Step
    {
        public override IEnumerable<JsonElement> From(JsonElement value) =>
            value.ValueKind == JsonValueKind.Object && value.TryGetProperty(Name, out var member) ? [member] : [];
    }

    /// <summary>Counted from the end when negative, as kubectl does.</summary>
    private sealed record Item(int Index) : Step
    {
        public override IEnumerable<JsonElement> From(JsonElement value)
        {
            if (value.ValueKind != JsonValueKind.Array) return [];
            var place = Index < 0 ? Index + value.GetArrayLength() : Index;
            return place >= 0 && place < value.GetArrayLength() ? [value[place]] : [];
        }
    }

    private sealed record Every : Step
    {
        public override IEnumerable<JsonElement> From(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Array => value.EnumerateArray(),
            JsonValueKind.Object => value.EnumerateObject().Select(member => member.Value),
            _ => [],
        };
    }

    private sealed record Filter(List<Step> Steps, bool IsNegated, string? Value) : Step
    {
        public override IEnumerable<JsonElement> From(JsonElement value) =>
            value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().Where(Holds) : [];

        private bool Holds(JsonElement item)
        {
            var found = Follow(item, Steps);
            return Value is null ? found.Any() : found.Any(value => TextOf(value) == Value) != IsNegated;
        }
    }

    private sealed class Reader(string text)
    {
        private int at;

        public string Problem { get; private set; } = "";

        public List<Step>? Steps(bool inFilter)
        {
            if (text.Length is 0 or > MaxLength) return Fail($"it has 1 to {MaxLength} characters");
            if (!inFilter) Take('$');
            var steps = new List<Step>();
            while (at < text.Length && !(inFilter && text[at] is ')' or '=' or '!' or ' '))
            {
                if ((Take('.') ? Name() : Take('[') ? Bracket() : Unexpected()) is not { } step) return null;
                steps.Add(step);
            }
            return steps.Count > 0 ? steps : Fail("it names no member");
        }

        private Member? Name()
        {
            var begin = at;
            while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_' or '-')) at++;
            if (at > begin) return new Member(text[begin..at]);
            Fail($"a name is expected at character {at + 1}; names with other signs than letters, digits, '_' and '-' go in ['…']");
            return null;
        }

        private Step? Bracket()
        {
            Step? step = null;
            if (Take('*')) step = new Every();
            else if (Take('?')) step = Condition();
            else if (at < text.Length && text[at] is '\'' or '"') step = Quoted() is { } name ? new Member(name) : null;
            else if (Number() is { } index) step = new Item(index);
            if (step is null) Fail($"expected a number, '*', a quoted name or a filter at character {at + 1}");
            return step is null || Expect(']') ? step : null;
        }

        private Filter? Condition()
        {
            if (!Expect('(') || !Expect('@')) return null;
            if (Steps(inFilter: true) is not { } steps) return null;
            Spaces();
            var isNegated = Take('!');
            string? value = null;
            if (isNegated || (at < text.Length && text[at] == '='))
            {
                if (!Expect('=') || (!isNegated && !Expect('='))) return null;
                Spaces();
                if ((value = Literal()) is null) return null;
                Spaces();
            }
            return Expect(')') ? new Filter(steps, isNegated, value) : null;
        }

        private string? Literal()
        {
            if (at < text.Length && text[at] is '\'' or '"') return Quoted();
            var begin = at;
            while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '-' or '.')) at++;
            if (at > begin) return text[begin..at];
            Fail($"a value is expected at character {at + 1}");
            return null;
        }

        private string? Quoted()
        {
            var quote = text[at++];
            var value = new StringBuilder();
            for (; at < text.Length; at++)
            {
                if (text[at] == quote)
                {
                    at++;
                    return value.ToString();
                }
                if (text[at] == '\\' && at + 1 < text.Length) at++;
                value.Append(text[at]);
            }
            Fail("a quote is not closed");
            return null;
        }

        private int? Number()
        {
            var begin = at;
            Take('-');
            while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
            return int.TryParse(text.AsSpan(begin, at - begin), out var number) ? number : null;
        }

        private void Spaces()
        {
            while (Take(' ')) { }
        }

        private bool Take(char sign)
        {
            if (at >= text.Length || text[at] != sign) return false;
            at++;
            return true;
        }

        private bool Expect(char sign)
        {
            if (Take(sign)) return true;
            Fail($"'{sign}' is expected at character {at + 1}");
            return false;
        }

        private Step? Unexpected()
        {
            Fail($"'.' or '[' is expected at character {at + 1}");
            return null;
        }

        // The first problem is the cause of the others.
        private List<Step>? Fail(string problem)
        {
            if (Problem.Length == 0) Problem = problem;
            return null;
        }
    }
}
