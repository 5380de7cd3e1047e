using System.CommandLine;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary><c>capillary hub resume</c>: lets a hub that came back from an old backup go on.</summary>
internal static class ResumeCommand
{
    public static Command Create()
    {
        var connection = new HubConnection();
        var yes = new Option<bool>("--yes") { Description = "Do it; without it, only show what would be done." };
        var format = HubCall.FormatOption();
        var command = new Command("resume",
            "Let a hub that came back from an old backup go on: after every generation that a region knows, with "
            + "every line made anew. Make sure first that no other hub runs with the same keys.") { yes, format };
        connection.AddTo(command);
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var found = await hub.GetAsync("api/v1/hub/restore", stop);
            var isConflict = found.Text("state") == "conflict";
            if (!isConflict || !parsed.GetValue(yes))
            {
                HubCall.Show(parsed, parsed.GetValue(format), found, output => Tell(output, found, isConflict));
                return;
            }
            var done = await hub.PostAsync("api/v1/hub/resume", new { }, stop);
            HubCall.Show(parsed, parsed.GetValue(format), done, output => output.WriteLine(
                $"the hub went on with generation {done.Text("generation")}; {found.Text("lines")} lines were made anew"));
        });
        return command;
    }

    private static void Tell(TextWriter output, JsonElement found, bool isConflict)
    {
        if (!isConflict)
        {
            output.WriteLine(found.Text("state") == "settling" ? found.Text("text")
                : $"nothing is to be resumed: the hub is at generation {found.Text("generation")}, and no region knows a newer one");
            return;
        }
        output.WriteLine($"this hub is at generation {found.Text("generation")}; regions hold what it never signed:");
        HubCall.WriteTable(output, ["REGION NODE", "GENERATION", "SEEN"], found.GetProperty("ahead").EnumerateArray().Select(one =>
            (string[])
            [one.Text("node"), one.Text("generation"), HubCall.Time(one.Text("at"))]));
        output.WriteLine($"records taken back from regions: {found.Text("recovered")}");
        output.WriteLine(found.Text("next").Length == 0 ? "no commit has compiled yet; wait for one, see: capillary status"
            : $"it would go on with generation "
                + $"{found.Text("next")} and make {found.Text("lines")} lines anew: a site that runs what the newest "
                + "release gives it keeps that, the others what their lines said");
        output.WriteLine("changes that were made after the backup and stand nowhere but in the lost hub (operators, journal, approvals) "
            + "are lost");
        output.WriteLine("do it with: capillary hub resume --yes");
    }
}
