using System.Text;
using System.Text.Encodings.Web;
using InstrumentGateway.Hl7;

namespace InstrumentGateway.Web;

/// <summary>The page for a person at the bench: one HTML file, no script, everything that came from outside escaped.</summary>
internal static class Page
{
    public const int Shown = 50;

    private static readonly string[] Columns =
        ["Received (UTC)", "Specimen", "Test", "Value", "Units", "Flag", "Status", "Observed", "Sender", "Listener"];

    private const string Style = """
        body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1c2630;background:#fff}
        h1{font-size:1.35rem;margin:0}p{margin:.3rem 0 1.2rem}h2{font-size:1rem;margin:1.6rem 0 .4rem}
        table{border-collapse:collapse;width:100%}
        th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #dde3e8;vertical-align:top}
        th{font-weight:600;color:#51606d;white-space:nowrap}td.n{text-align:right;font-variant-numeric:tabular-nums}
        .ok{color:#146c2e}.bad{color:#a3160f;font-weight:600}
        @media(prefers-color-scheme:dark){body{color:#dfe6ec;background:#14191e}th,td{border-color:#2c353d}th{color:#93a2af}
        .ok{color:#6fce88}.bad{color:#ff8a80}}
        """;

    public static string Html(HealthView health, string? oid, IReadOnlyList<LabResult> results, DateTimeOffset now)
    {
        var html = new StringBuilder();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
            .Append("<meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"10\">")
            .Append($"<title>{Text(health.Facility)} – instrument gateway</title><style>{Style}</style></head><body>\n")
            .Append($"<h1>{Text(health.Facility)}</h1>\n<p>Instrument gateway {Text(health.Version)}")
            .Append(oid is null ? "" : $" · OID {Text(oid)}")
            .Append(health.Reason is null ? " · <span class=\"ok\">ok</span>" : $" · <span class=\"bad\">{Text(health.Reason)}</span>")
            .Append($" · as of {now.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC</p>\n<h2>Listeners</h2>\n");
        Table(html, ["Name", "Endpoint", "State", "Connections"],
            health.Listeners.Select(l => new[] { l.Name, l.Endpoint, l.Bound ? "listening" : "not bound", $"{l.Connections}" }));
        html.Append("<h2>Last results</h2>\n");
        if (results.Count == 0)
            html.Append("<p>None yet.</p>\n");
        else
            Table(html, Columns, results.Select(Row));
        return html.Append("</body></html>\n").ToString();
    }

    private static string[] Row(LabResult r) =>
    [
        r.ReceivedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss"), r.Specimen, r.TestName == r.Test ? r.Test : $"{r.TestName} ({r.Test})",
        r.Value, r.Units, r.Flag, r.Status, r.ObservedAt, r.Sender, r.Listener,
    ];

    private static void Table(StringBuilder html, string[] heads, IEnumerable<string[]> rows)
    {
        html.Append("<table><tr>");
        foreach (var head in heads)
            html.Append($"<th>{Text(head)}</th>");
        html.Append("</tr>\n");
        foreach (var row in rows)
            html.Append("<tr>").AppendJoin("", row.Select(cell => $"<td>{Text(cell)}</td>")).Append("</tr>\n");
        html.Append("</table>\n");
    }

    private static string Text(string text) => HtmlEncoder.Default.Encode(text);
}
