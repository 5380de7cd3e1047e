using System.Net;
using System.Text.RegularExpressions;

namespace InstrumentGateway.Configuration;

/// <summary>
/// What a well-formed configuration must also hold. Works on the located tree, not on the records, so that these
/// problems are found beside those of <see cref="ConfigShape"/>; a value of a wrong type is left to that one.
/// </summary>
internal sealed partial class ConfigRules(ConfigProblems problems)
{
    public void Check(LocatedJson root)
    {
        NotBlank(root["facility"]?["name"]);
        NotBlank(root["dataDirectory"]);
        if (root["facility"]?["oid"] is { Text: { } oid } at && !Oid().IsMatch(oid))
            problems.Add(at, $"'{oid}' is not an object identifier such as 2.16.756.5.30");
        Endpoint(root["http"]);
        var listeners = root["listeners"];
        if (listeners is { Kind: System.Text.Json.JsonTokenType.StartArray, Items.Count: 0 })
            problems.Add(listeners, "at least one listener is needed");
        foreach (var listener in listeners?.Items ?? [])
            Listener(listener);
        Unique(listeners?.Items, "name");
        Ports([.. new[] { root["http"] }.Concat(listeners?.Items ?? []).OfType<LocatedJson>()]);
        var names = (listeners?.Items ?? []).Select(l => l["name"]?.Text).OfType<string>().ToArray();
        foreach (var instrument in root["instruments"]?.Items ?? [])
            Instrument(instrument, names);
        Unique(root["instruments"]?.Items, "id");
    }

    private void Listener(LocatedJson listener)
    {
        if (listener["name"] is { Text: { } name } at && !Name().IsMatch(name))
            problems.Add(at, "must be 1 to 63 of a-z, 0-9 and '-', and begin with a letter or digit");
        Endpoint(listener);
        Range(listener["maxConnections"], 1, 1024);
        Range(listener["idleSeconds"], 1, 86_400);
    }

    private void Instrument(LocatedJson instrument, string[] listeners)
    {
        NotBlank(instrument["id"]);
        NotBlank(instrument["sendingApplication"]);
        NotBlank(instrument["sendingFacility"]);
        if (instrument["listener"] is { Text: { } name } at && !listeners.Contains(name))
            problems.Add(at, $"there is no listener '{name}'{Nearest.Suggestion(name, listeners)}");
    }

    private void Endpoint(LocatedJson? node)
    {
        if (node?["address"] is { Text: { } address } at && !IPAddress.TryParse(address, out _))
            problems.Add(at, $"'{address}' is not an IP address (such as 127.0.0.1, 0.0.0.0 or ::1)");
        Range(node?["port"], 0, 65_535);
    }

    private void Ports(LocatedJson[] endpoints)
    {
        var taken = new Dictionary<(string?, int), string>();
        foreach (var endpoint in endpoints)
        {
            if (endpoint["port"] is not { Number: > 0 and { } port } at)
                continue;
            var key = (endpoint["address"]?.Text, port);
            if (!taken.TryAdd(key, endpoint.Path))
                problems.Add(at, $"port {port} is already used by {taken[key]}");
        }
    }

    private void Unique(List<LocatedJson>? items, string key)
    {
        foreach (var group in (items ?? []).Select(i => i[key]).Where(n => n?.Text is not null).GroupBy(n => n!.Text))
        {
            foreach (var again in group.Skip(1))
                problems.Add(again!, $"{key} '{group.Key}' is already used at {group.First()!.Path}");
        }
    }

    private void Range(LocatedJson? node, int least, int most)
    {
        if (node?.Number is { } number && (number < least || number > most))
            problems.Add(node, $"must be from {least} to {most}, not {number}");
    }

    private void NotBlank(LocatedJson? node)
    {
        if (node is { Text: { } text } && string.IsNullOrWhiteSpace(text))
            problems.Add(node, "must not be empty");
    }

    [GeneratedRegex(@"^[0-2](\.(0|[1-9][0-9]*))+$")]
    private static partial Regex Oid();

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,62}$")]
    private static partial Regex Name();
}
