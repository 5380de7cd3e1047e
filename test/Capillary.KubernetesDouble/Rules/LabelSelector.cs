using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Capillary.KubernetesDouble.Http;

namespace Capillary.KubernetesDouble.Rules;

/// <summary>A choice of objects by their labels: as a query writes it, or as an object does.</summary>
internal sealed partial class LabelSelector
{
    private readonly List<Func<JsonObject?, bool>> rules = [];

    public bool Matches(JsonObject? labels) => rules.TrueForAll(rule => rule(labels));

    /// <summary><c>a=b,c!=d,e in (f,g),h notin (i),j,!k</c>.</summary>
    /// <exception cref="ApiError">400: it is no selector.</exception>
    public static LabelSelector Parse(string? text)
    {
        var selector = new LabelSelector();
        var rest = text?.Trim() ?? "";
        while (rest.Length > 0)
        {
            var match = Requirement().Match(rest);
            if (!match.Success || match.Length == 0)
                throw ApiError.BadRequest($"unable to parse requirement: found '{rest}', expected: identifier");
            selector.rules.Add(Rule(match));
            rest = rest[match.Length..];
        }
        return selector;
    }

    /// <summary>With <c>matchLabels</c> and <c>matchExpressions</c>.</summary>
    public static LabelSelector Of(JsonObject tree)
    {
        var selector = new LabelSelector();
        foreach (var (key, value) in tree.Map("matchLabels") ?? [])
            selector.rules.Add(labels => labels.Text(key) == value!.GetValue<string>());
        foreach (var expression in tree.Items("matchExpressions"))
        {
            var values = expression.Items("values").Select(value => value.GetValue<string>()).ToHashSet();
            selector.rules.Add(Rule(expression.Text("key")!, expression.Text("operator")!, values));
        }
        return selector;
    }

    private static Func<JsonObject?, bool> Rule(Match match)
    {
        var key = match.Groups["key"].Value;
        if (match.Groups["not"].Success) return Rule(key, "DoesNotExist", []);
        if (match.Groups["set"].Success)
        {
            var values = match.Groups["values"].Value.Split(',', StringSplitOptions.TrimEntries).ToHashSet();
            return Rule(key, match.Groups["set"].Value == "in" ? "In" : "NotIn", values);
        }
        if (!match.Groups["sign"].Success) return Rule(key, "Exists", []);
        return Rule(key, match.Groups["sign"].Value == "!=" ? "NotIn" : "In", [match.Groups["value"].Value]);
    }

    private static Func<JsonObject?, bool> Rule(string key, string sign, HashSet<string> values) => sign switch
    {
        "In" => labels => labels.Text(key) is { } value && values.Contains(value),
        "NotIn" => labels => labels.Text(key) is not { } value || !values.Contains(value),
        "Exists" => labels => labels.Text(key) is not null,
        _ => labels => labels.Text(key) is null,
    };

    [GeneratedRegex(@"^\s*(?<not>!)?\s*(?<key>[-A-Za-z0-9_./]+)\s*"
        + @"(?:(?<set>in|notin)\s*\((?<values>[^)]*)\)|(?<sign>==|!=|=)\s*(?<value>[-A-Za-z0-9_.]*))?\s*(?:,|$)")]
    private static partial Regex Requirement();
}
