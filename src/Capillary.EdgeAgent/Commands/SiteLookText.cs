using System.Globalization;
using System.Text;
using System.Text.Json;
using Capillary.Node.Child;

namespace Capillary.EdgeAgent.Commands;

/// <summary>A <see cref="SiteLook"/> for people and for programs.</summary>
internal static class SiteLookText
{
    // For people who read: not escaped more than JSON needs.
    private static readonly JsonWriterOptions Indented = new()
    {
        Indented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string ToText(SiteLook look, DateTimeOffset now)
    {
        var (state, why) = look.Judge();
        var text = new StringBuilder();
        text.Append($"{look.Site} {Words(state)}{(why.Length > 0 ? $": {why}" : "")}\n\n");
        Line("site", $"{look.Site} of fleet {look.Fleet}");
        Line("agent", look.IsRunning ? "runs" : "does not run");
        Line("link", LinkText.Of(look.IsRunning ? look.Link : null, now));
        if (look.Report is not { } report)
        {
            Line("report", "none yet");
            return text.ToString().TrimEnd();
        }
        Line("phase", look.Phase);
        Line("bundle", Member(report, "bundle") is { } bundle
            ? $"{bundle} (since generation {Member(report, "bundleSince")}; accepted: generation {Member(report, "generation")})"
            : "none");
        foreach (var app in Items(report, "apps"))
        {
            var health = app.GetProperty("healthy").GetBoolean() ? "healthy" : Member(app, "message") ?? "not healthy";
            Line("app", $"{Member(app, "name")}: {health}");
        }
        foreach (var condition in Items(report, "conditions"))
            Line(Member(condition, "severity") ?? "condition", $"{Member(condition, "code")}: {Member(condition, "text")}");
        Line("report", $"the last one was signed {LinkText.Age(now - report.GetProperty("at").GetDateTimeOffset())} ago");
        return text.ToString().TrimEnd();

        void Line(string name, string value) => text.Append($"  {name,-8}  {value}\n");
    }

    public static string ToJson(SiteLook look)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Indented))
        {
            var (state, why) = look.Judge();
            json.WriteStartObject();
            json.WriteString("site", look.Site);
            json.WriteString("fleet", look.Fleet);
            json.WriteString("state", state switch { Wellness.Well => "well", Wellness.OnItsWay => "on-its-way", _ => "needs-a-look" });
            if (why.Length > 0) json.WriteString("why", why);
            json.WriteBoolean("running", look.IsRunning);
            if (look.Link is { } link) WriteLink(json, link, look.IsLinked);
            if (look.Report is { } report)
            {
                json.WritePropertyName("report");
                report.WriteTo(json);
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static void WriteLink(Utf8JsonWriter json, LinkStatus link, bool isLive)
    {
        json.WriteStartObject("link");
        json.WriteBoolean("live", isLive);
        json.WriteString("since", link.Since);
        if (link.Problem is { } problem) json.WriteString("problem", problem);
        json.WriteEndObject();
    }

    private static string Words(Wellness state) => state switch
    {
        Wellness.Well => "is well",
        Wellness.OnItsWay => "is on its way",
        _ => "needs a look",
    };

    private static IEnumerable<JsonElement> Items(JsonElement report, string name) =>
        report.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? items.EnumerateArray() : [];

    private static string? Member(JsonElement json, string name) => json.TryGetProperty(name, out var member)
        ? member.ValueKind switch
        {
            JsonValueKind.String => member.GetString(),
            JsonValueKind.Number => member.GetInt64().ToString(CultureInfo.InvariantCulture),
            _ => null,
        }
        : null;
}
