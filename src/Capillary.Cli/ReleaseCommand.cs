using System.CommandLine;

namespace Capillary.Cli;

/// <summary><c>capillary release</c>: what commits compiled to.</summary>
internal static class ReleaseCommand
{
    public static Command Create()
    {
        var connection = new HubConnection();
        var command = new Command("release", "List releases, look at one.") { Subcommands = { List(connection), Show(connection) } };
        connection.AddTo(command);
        return command;
    }

    private static Command List(HubConnection connection)
    {
        var format = HubCall.FormatOption();
        var command = new Command("list", "Show the releases, newest first.") { format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var releases = await hub.GetAsync("api/v1/releases", stop);
            HubCall.Show(parsed, parsed.GetValue(format), releases, output => HubCall.WriteTable(output,
                ["RELEASE", "COMMIT", "RELEASED", "CHANGED", "AUTHOR", "SUBJECT"], releases.EnumerateArray().Select(release => (string[])
                [
                    release.Text("release"), HubCall.Short(release.Text("commit")), release.Text("releasedAt"), release.Text("changed"),
                    release.Text("author"), release.Text("subject"),
                ])));
        });
        return command;
    }

    private static Command Show(HubConnection connection)
    {
        var number = new Argument<long>("RELEASE") { Description = "The release's number." };
        var format = HubCall.FormatOption();
        var command = new Command("show", "Show which sites a release changed.") { number, format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var release = await hub.GetAsync($"api/v1/releases/{parsed.GetValue(number)}", stop);
            HubCall.Show(parsed, parsed.GetValue(format), release, output =>
            {
                var summary = release.GetProperty("summary");
                output.WriteLine($"release {summary.Text("release")}: {summary.Text("subject")}");
                output.WriteLine($"commit {summary.Text("commit")} by {summary.Text("author")}");
                HubCall.WriteTable(output, ["SITE", "REGION", "BUNDLE"],
                    release.GetProperty("changes").EnumerateArray().Select(change => (string[])
                [
                    change.Text("site"), change.Text("region"), change.Text("bundle") is { Length: > 0 } bundle ? HubCall.Short(bundle)
                        : "(no longer declared)",
                ]));
            });
        });
        return command;
    }
}
