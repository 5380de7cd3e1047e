using System.CommandLine;
using System.Text.Json;
using Capillary.Core.Reports;

namespace Capillary.Cli;

/// <summary><c>capillary site</c>: what each site runs, and letting sites in.</summary>
internal static class SiteCommand
{
    public static Command Create()
    {
        var connection = new HubConnection();
        var command = new Command("site", "List sites, look at one; let one in, replace, move, retire or revoke it; reach one by stick.")
        {
            Subcommands =
            {
                List(connection), Show(connection), EnrollCommand.Create(connection, "site"), SiteManifestCommand.Create(connection),
                LifeCommands.Approve(connection, "site"), LifeCommands.Deny(connection, "site"), EnrollCommand.CreateReplace(connection),
                LifeCommands.Retry(connection), LifeCommands.ConfirmPrune(connection), LifeCommands.OverrideHold(connection),
                LifeCommands.Move(connection), LifeCommands.Retire(connection), LifeCommands.Revoke(connection, "site"),
                RotateKeyCommand.Create(connection, "site"), SiteExportCommand.Create(connection), SiteReceiveCommand.Create(connection),
            },
        };
        connection.AddTo(command);
        return command;
    }

    private static Command List(HubConnection connection)
    {
        var state = new Option<SiteState?>("--state")
        {
            Description = $"Only sites in this state: {string.Join(", ", States)}.",
            HelpName = "state",
            CustomParser = result =>
            {
                if (Array.IndexOf(States, result.Tokens[0].Value) is >= 0 and var place) return (SiteState)place;
                result.AddError($"--state {result.Tokens[0].Value}: there is no such state; use {string.Join(", ", States)}");
                return null;
            },
        };
        var region = new Option<string?>("--region") { Description = "Only sites of this region." };
        var waiting = new Option<bool>("--waiting") { Description = "Instead: nodes that proved a join code and wait for approval." };
        var undeclared = new Option<bool>("--undeclared") { Description = "Instead: who knocked and was not let in, and why." };
        var format = HubCall.FormatOption();
        var command = new Command("list", "Show every site: its state and its age, what it runs and what it is to run.") { state, region,
            waiting, undeclared, format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            if (parsed.GetValue(waiting)) { await LifeCommands.ShowWaitingAsync(hub, parsed, parsed.GetValue(format), stop); return; }
            if (parsed.GetValue(undeclared)) { await LifeCommands.ShowUndeclaredAsync(hub, parsed, parsed.GetValue(format), stop); return; }
            var all = await hub.GetAsync("api/v1/sites", stop);
            var wanted = parsed.GetValue(state) is { } given ? States[(int)given] : null;
            var chosen = all.EnumerateArray().Where(site =>
                Fits(site, "state", wanted) && Fits(site, "region", parsed.GetValue(region)));
            var sites = JsonSerializer.SerializeToElement(chosen.ToList());
            HubCall.Show(parsed, parsed.GetValue(format), sites, output =>
            {
                HubCall.WriteTable(output, ["SITE", "REGION", "STATE", "HEARD", "GENERATION", "COMMIT", "DESIRED", "COMMIT", "NOTE"],
                    sites.EnumerateArray().Select(Row));
                if (sites.GetArrayLength() == 0) output.WriteLine($"no site (of {all.GetArrayLength()}) fits");
            });
        });
        return command;
    }

    private static readonly string[] States = [.. Enum.GetNames<SiteState>().Select(name => name.ToLowerInvariant())];

    private static bool Fits(JsonElement site, string member, string? wanted) => wanted is null || site.Text(member) == wanted;

    private static string[] Row(JsonElement site) =>
    [
        site.Text("site"), site.Text("region"), site.Text("state"), HubCall.Age(site.Text("ageSeconds")), site.Text("generation"),
        HubCall.Short(site.Text("commit")), site.Text("desired", "generation"), HubCall.Short(site.Text("desired", "commit")), Note(site),
    ];

    private static string Note(JsonElement site)
    {
        var notes = ((string[])["orphaned", "unacknowledged", "keyCopied", "eventsMissing"])
            .Where(note => site.TryGetProperty(note, out var value) && value.ValueKind == JsonValueKind.True)
            .Select(note => note switch { "keyCopied" => "KEY COPIED", "eventsMissing" => "EVENTS MISSING", _ => note }).ToList();
        if (site.Text("held") is { Length: > 0 } held) notes.Add(held);
        if (site.Text("holdOverdue") == "True") notes.Add("HOLD OVERDUE");
        if (site.Text("life") is { Length: > 0 } life) notes.Add(life);
        if (site.Text("movePending") is { Length: > 0 } to) notes.Add($"move pending: capillary site move "
            + $"{site.Text("site")} --region {to}");
        if (site.Text("state") == "offline" && site.Text("heardAt").Length > 0) notes.Add($"left {HubCall.Time(site.Text("heardAt"))}");
        if (site.Text("linkProblem") is { Length: > 0 } problem) notes.Add(problem);
        if (site.Text("carriedAt").Length > 0) notes.Add("by stick");
        return string.Join(", ", notes);
    }

    private static Command Show(HubConnection connection)
    {
        var name = new Argument<string>("SITE") { Description = "The site's name." };
        var format = HubCall.FormatOption();
        var command = new Command("show", "Show all that is known of one site.") { name, format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var site = await hub.GetAsync($"api/v1/sites/{Uri.EscapeDataString(parsed.GetValue(name)!)}", stop);
            HubCall.Show(parsed, parsed.GetValue(format), site, output => Detail(output, site));
        });
        return command;
    }

    private static void Detail(TextWriter output, JsonElement site)
    {
        var summary = site.GetProperty("summary");
        output.WriteLine($"{summary.Text("site")} in {summary.Text("region")}: {summary.Text("state")}, "
            + $"last heard of: {HubCall.Age(summary.Text("ageSeconds"))} {Note(summary)}".TrimEnd());
        output.WriteLine($"runs     generation {Or(summary.Text("generation"))}, bundle {Or(summary.Text("bundle"))}, commit "
            + $"{Or(summary.Text("commit"))}");
        output.WriteLine($"desired  generation {Or(summary.Text("desired", "generation"))}, bundle "
            + $"{Or(summary.Text("desired", "bundle"))}, "
            + $"commit {Or(summary.Text("desired", "commit"))}");
        if (summary.Text("carriedAt") is { Length: > 0 } carried)
            output.WriteLine($"by stick its report came in at {HubCall.Time(carried)}; that says what it ran, not that it lives");
        output.WriteLine($"fallback {Or(site.Text("fallback"))}");
        output.WriteLine($"reason   {Or(site.Text("reason"))}");
        if (site.TryGetProperty("key", out var key) && key.ValueKind == JsonValueKind.Object)
            output.WriteLine($"key      {RotateKeyCommand.Show(key)}");
        foreach (var app in site.GetProperty("apps").EnumerateArray())
            output.WriteLine($"app      {app.Text("name")}: {(app.Text("healthy") == "True" ? "healthy" : app.Text("message"))}");
        foreach (var condition in site.GetProperty("conditions").EnumerateArray())
            output.WriteLine($"{condition.Text("severity"),-8} {condition.Text("code")}: {condition.Text("text")}");
    }

    private static string Or(string text) => text.Length == 0 ? "(none)" : text;
}
