using System.Text;
using System.Text.Json;

namespace Capillary.Node.Doctor;

/// <summary>A report for people and for programs.</summary>
public static class DoctorText
{
    // For people who read: not escaped more than JSON needs.
    private static readonly JsonWriterOptions Indented = new()
    {
        Indented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string ToText(DoctorReport report)
    {
        var text = new StringBuilder();
        foreach (var parent in report.Parents)
        {
            text.Append($"the way to {parent.Parent}{(parent.Proxy is { } proxy ? $" through the proxy {proxy}" : "")}\n");
            foreach (var check in parent.Checks) text.Append($"  {Word(check.State),-8} {check.Name,-12}  {check.Seen}\n");
            foreach (var check in parent.Checks.Where(check => check.Advice is not null))
            {
                var title = check.State == CheckState.Failed ? "What fails" : "Worth a look";
                text.Append($"\n{title}: {check.Name}\nWhat to do: {check.Advice}\n");
            }
            text.Append('\n');
        }
        return text.Append(Summary(report)).ToString();
    }

    public static string ToJson(DoctorReport report)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Indented))
        {
            json.WriteStartObject();
            json.WriteBoolean("ok", report.IsGood);
            json.WriteStartArray("parents");
            foreach (var parent in report.Parents) Write(json, parent);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static void Write(Utf8JsonWriter json, Diagnosis parent)
    {
        json.WriteStartObject();
        json.WriteString("parent", parent.Parent);
        if (parent.Proxy is { } proxy) json.WriteString("proxy", proxy);
        if (parent.Failed is { } failed) json.WriteString("failed", failed.Name);
        json.WriteStartArray("checks");
        foreach (var check in parent.Checks)
        {
            json.WriteStartObject();
            json.WriteString("name", check.Name);
            json.WriteString("state", Word(check.State));
            json.WriteString("seen", check.Seen);
            if (check.Advice is { } advice) json.WriteString("do", advice);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Summary(DoctorReport report)
    {
        var good = report.Parents.Count(parent => parent.Failed is null);
        return good switch
        {
            0 => "The link cannot work. Do what stands above, then run this again.",
            _ when good < report.Parents.Count => $"{good} of {report.Parents.Count} parents can be reached; one is enough for the link.",
            _ => "The way is good.",
        };
    }

    private static string Word(CheckState state) => state switch
    {
        CheckState.Ok => "ok",
        CheckState.Warning => "warning",
        CheckState.Failed => "failed",
        _ => "skipped",
    };
}
