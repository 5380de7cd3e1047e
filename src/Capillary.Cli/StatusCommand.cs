using System.CommandLine;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary><c>capillary status</c>: the fleet at a glance.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan WatchEvery = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var connection = new HubConnection();
        var watch = new Option<bool>("--watch") { Description = "Show it again every 2 seconds until stopped." };
        var format = HubCall.FormatOption();
        var command = new Command("status", "Show sites by state, how far the rollout is and why it is no further, and what is wrong with "
            + "the hub.") { watch, format };
        connection.AddTo(command);
        command.Do(connection, async (hub, parsed, stop) =>
        {
            do
            {
                var status = await hub.GetAsync("api/v1/status", stop);
                if (parsed.GetValue(watch) && !Console.IsOutputRedirected)
                    CommandOutput.Console(parsed.InvocationConfiguration.Output).Clear(true);
                HubCall.Show(parsed, parsed.GetValue(format), status, output => Write(output, status));
                if (parsed.GetValue(watch)) await Task.Delay(WatchEvery, TimeProvider.System, stop);
            }
            while (parsed.GetValue(watch));
        });
        return command;
    }

    /// <summary>The states that occur, as <c>3 healthy, 1 offline</c>.</summary>
    public static string States(JsonElement states)
    {
        var occurring = states.EnumerateObject().Where(state => state.Value.GetInt32() > 0).Select(state =>
            $"{state.Value} {state.Name}").ToList();
        return occurring.Count == 0 ? "none" : string.Join(", ", occurring);
    }

    private static void Write(TextWriter output, JsonElement status)
    {
        output.WriteLine($"fleet {status.Text("fleet")}: {status.Text("sites")} sites: {States(status.GetProperty("states"))}");
        if (status.Text("orphaned") != "0") output.WriteLine($"orphaned: {status.Text("orphaned")}");
        if (status.Text("unacknowledged") != "0") output.WriteLine($"unacknowledged: {status.Text("unacknowledged")} (see: capillary site "
            + "list)");
        if (status.Text("eventsMissing") is not ("" or "0"))
            output.WriteLine($"events missing: {status.Text("eventsMissing")} (see: capillary site list)");
        if (status.Text("movesPending") is not ("" or "0")) output.WriteLine($"moves pending: "
            + $"{status.Text("movesPending")} (see: capillary site list)");
        if (status.Text("waiting") is not ("" or "0"))
            output.WriteLine($"waiting for approval: {status.Text("waiting")} (see: capillary site list --waiting)");
        if (status.Text("undeclared") is not ("" or "0"))
            output.WriteLine($"knocked and not let in: {status.Text("undeclared")} (see: capillary site list --undeclared)");
        if (status.TryGetProperty("regionsNotLinked", out var away) && away.GetArrayLength() > 0)
            output.WriteLine($"regions not linked: {string.Join(", ", away.EnumerateArray())} (see: capillary region list)");
        output.WriteLine($"release {status.Text("release")}, commit {HubCall.Short(status.Text("commit"))}, generation "
            + $"{status.Text("generation")}, "
            + $"{status.Text("links")} links of regions and sites to this hub");
        RolloutCommand.Write(output, status.GetProperty("rollout"));
        foreach (var condition in status.GetProperty("conditions").EnumerateArray())
            output.WriteLine($"hub: {condition.Text("code")} since {HubCall.Time(condition.Text("since"))}: {condition.Text("text")}");
        if (status.GetProperty("lastFailedCommit") is { ValueKind: JsonValueKind.Object } failed
            && failed.GetProperty("isNewest").GetBoolean()) Failed(output, failed);
    }

    private static void Failed(TextWriter output, JsonElement failed)
    {
        output.WriteLine($"commit {HubCall.Short(failed.Text("commit"))} does not compile: {failed.Text("subject")}");
        foreach (var item in failed.GetProperty("diagnostics").EnumerateArray())
        {
            output.WriteLine($"  {item.Text("file")}:{item.Text("line")}:{item.Text("column")}: {item.Text("severity")} "
                + $"{item.Text("code")}: {item.Text("message")}");
            if (item.Text("suggestion") is { Length: > 0 } help) output.WriteLine($"    help: {help}");
        }
    }
}
