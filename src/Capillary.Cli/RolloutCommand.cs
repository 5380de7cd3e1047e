using System.CommandLine;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary><c>capillary rollout</c>: how a release reaches sites, and an operator's word in it.</summary>
internal static class RolloutCommand
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    public static Command Create()
    {
        var connection = new HubConnection();
        Command[] ofHub = [List(connection), Show(connection), Start(connection),
            Stop(connection, "pause", "Start no further site; sites that have their lines finish. Until: capillary rollout resume."),
            Resume(connection), Approve(connection),
            Stop(connection, "abort", "End the rollout: nothing more starts until a newer commit, or: capillary rollout start."),
            Rollback(connection)];
        var command = new Command("rollout", "See how a release reaches sites and why it is no further; start, pause, approve, take back.");
        foreach (var one in ofHub)
        {
            connection.AddTo(one);
            command.Subcommands.Add(one);
        }
        command.Subcommands.Add(RolloutSimulateCommand.Create());
        return command;
    }

    private static Command List(HubConnection connection)
    {
        var format = HubCall.FormatOption();
        var command = new Command("list", "Show the rollouts, newest first.") { format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var rollouts = await hub.GetAsync("api/v1/rollouts", stop);
            HubCall.Show(parsed, parsed.GetValue(format), rollouts, output => HubCall.WriteTable(output,
                ["ROLLOUT", "RELEASE", "PHASE", "SITES", "STARTED", "BY", "COMPLETED", "NOTE"],
                rollouts.EnumerateArray().Select(one => (string[])
                [
                    one.Text("rollout"), one.Text("release") + (one.Text("kind") == "back" ? " (back)" : ""), one.Text("phase"),
                    one.Text("sites"), HubCall.Time(one.Text("startedAt")), one.Text("startedBy"), HubCall.Time(one.Text("completedAt")),
                    one.Text("overtook"),
                ])));
        });
        return command;
    }

    private static Command Show(HubConnection connection)
    {
        var number = new Argument<long?>("ROLLOUT") { Description = "An older one, by its number.", Arity = ArgumentArity.ZeroOrOne };
        var format = HubCall.FormatOption();
        var command = new Command("show", "Show the newest rollout: its waves, what each gate waits for, and for every site why it "
            + "is where it is. Of an older one, when its waves were.") { number, format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            if (parsed.GetValue(number) is { } id)
            {
                var older = await hub.GetAsync($"api/v1/rollouts/{id}", stop);
                HubCall.Show(parsed, parsed.GetValue(format), older, output => WriteOlder(output, older));
                return;
            }
            var rollout = await hub.GetAsync("api/v1/rollout", stop);
            HubCall.Show(parsed, parsed.GetValue(format), rollout, output => Write(output, rollout));
        });
        return command;
    }

    private static void WriteOlder(TextWriter output, JsonElement older)
    {
        var summary = older.GetProperty("summary");
        output.WriteLine($"rollout {summary.Text("rollout")} of release {summary.Text("release")} {summary.Text("phase")}: "
            + $"{summary.Text("sites")} sites, started {HubCall.Time(summary.Text("startedAt"))} by {summary.Text("startedBy")}"
            + (summary.Text("overtook") is { Length: > 0 } did ? $"; it {did}" : ""));
        HubCall.WriteTable(output, ["WAVE", "OPENED", "PASSED", "YES BY"], older.GetProperty("waves").EnumerateArray().Select(wave =>
            (string[])[wave.Text("wave"), HubCall.Time(wave.Text("openedAt")), HubCall.Time(wave.Text("passedAt")),
                string.Join(", ", wave.GetProperty("approvals").EnumerateArray().Select(one => one.Text("operator")))]));
    }

    /// <summary>One rollout as text: its line, its waves, its open sites.</summary>
    public static void Write(TextWriter output, JsonElement rollout)
    {
        var number = rollout.Text("rollout") is "" or "0" ? "" : $" {rollout.Text("rollout")}";
        output.WriteLine($"rollout{number} {rollout.Text("phase")}: {rollout.Text("reason")}");
        if (rollout.Text("next", "release") is { Length: > 0 } next)
            output.WriteLine($"release {next} waits: {rollout.Text("next", "reason")}");
        var waves = rollout.GetProperty("waves").EnumerateArray().ToList();
        var isOnePolicy = waves.Select(wave => wave.Text("policy")).Distinct().Count() < 2;
        foreach (var wave in waves) Wave(output, wave, isOnePolicy);
    }

    private static void Wave(TextWriter output, JsonElement wave, bool isOnePolicy)
    {
        var name = isOnePolicy ? wave.Text("name") : $"{wave.Text("policy")}/{wave.Text("name")}";
        string[] counts = ["waiting", "failed", "held", "absent"];
        var more = string.Concat(counts.Where(count => wave.Text(count) != "0").Select(count => $", {wave.Text(count)} {count}"));
        output.WriteLine($"  wave {name}: {(wave.Text("started") == "True" ? "started" : "not started")}, "
            + $"{wave.Text("met")} of {wave.Text("sites")} healthy{more}");
        foreach (var site in wave.GetProperty("open").EnumerateArray())
            output.WriteLine($"    {site.Text("site")}: {site.Text("verdict")}: {site.Text("text")}");
        if (wave.Text("moreOpen") != "0") output.WriteLine($"    and {wave.Text("moreOpen")} more");
    }

    private static Command Start(HubConnection connection)
    {
        var policy = new Option<string?>("--policy") { Description = "Roll out by this policy, whatever the fleet repository says." };
        var emergency = new Option<bool>("--emergency")
        {
            Description = "Neither windows nor freezes nor sites that are at an earlier release keep it waiting. Waves and gates hold.",
        };
        var preview = new Option<string?>("--preview")
        {
            Description = "Only if it does what this preview showed; the id is the one of 'capillary fleet preview'.",
            HelpName = "ID",
        };
        var (wait, format) = (WaitOption(), HubCall.FormatOption());
        var command = new Command("start", "Begin a rollout of the newest release; it takes the place of one that is under way.")
            { preview, policy, emergency, wait, format };
        command.Do(connection, (hub, parsed, stop) => SayAsync(hub, parsed, format, wait, "start",
            new { policy = parsed.GetValue(policy), emergency = parsed.GetValue(emergency), preview = parsed.GetValue(preview) }, stop));
        return command;
    }

    private static Command Approve(HubConnection connection)
    {
        var wave = new Argument<string?>("WAVE")
        {
            Description = "The wave, or POLICY/WAVE (default: the one that waits for a yes).",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var (wait, format) = (WaitOption(), HubCall.FormatOption());
        var command = new Command("approve", "Say yes to a wave whose policy asks for an operator with your role.") { wave, wait, format };
        command.Do(connection, (hub, parsed, stop) =>
            SayAsync(hub, parsed, format, wait, "approve", new { wave = parsed.GetValue(wave) }, stop));
        return command;
    }

    private static Command Rollback(HubConnection connection)
    {
        var to = new Option<long?>("--to") { Description = "The release to go back to (default: the last one that was reached)." };
        var reason = ReasonOption();
        var (wait, format) = (WaitOption(), HubCall.FormatOption());
        var command = new Command("rollback", "Bring every site that holds something else back to an older release, without waves "
            + "and gates.") { to, reason, wait, format };
        command.Do(connection, (hub, parsed, stop) => SayAsync(hub, parsed, format, wait, "rollback",
            new { release = parsed.GetValue(to), reason = parsed.GetValue(reason) }, stop));
        return command;
    }

    private static Command Stop(HubConnection connection, string verb, string description)
    {
        var (reason, format) = (ReasonOption(), HubCall.FormatOption());
        var command = new Command(verb, description) { reason, format };
        command.Do(connection, (hub, parsed, stop) =>
            SayAsync(hub, parsed, format, null, verb, new { reason = parsed.GetValue(reason) }, stop));
        return command;
    }

    private static Command Resume(HubConnection connection)
    {
        var (wait, format) = (WaitOption(), HubCall.FormatOption());
        var command = new Command("resume", "Let a paused rollout go on.") { wait, format };
        command.Do(connection, (hub, parsed, stop) => SayAsync(hub, parsed, format, wait, "resume", new { }, stop));
        return command;
    }

    private static Option<string?> ReasonOption() => new("--reason") { Description = "Why; it stands in the journal." };

    private static Option<bool> WaitOption() => new("--wait")
    {
        Description = "Stay until the rollout is complete; end with exit code 1 when it is halted, aborted or paused.",
    };

    private static async Task SayAsync<T>(HubClient hub, ParseResult parsed, Option<ListingFormat> format, Option<bool>? wait, string verb,
        T wish, CancellationToken stop)
    {
        var answer = await hub.PostAsync($"api/v1/rollout/{verb}", wish, stop);
        HubCall.Show(parsed, parsed.GetValue(format), answer, output => output.WriteLine(answer.Text("text")));
        if (wait is null || !parsed.GetValue(wait)) return;
        var (error, last) = (parsed.InvocationConfiguration.Error, "");
        while (true)
        {
            var rollout = await hub.GetAsync("api/v1/rollout", stop);
            var isOurs = rollout.Text("rollout") == answer.Text("rollout");
            var line = $"rollout {rollout.Text("rollout")} {rollout.Text("phase")}: {rollout.Text("reason")}";
            if (line != last) await error.WriteLineAsync(last = line);
            if (!isOurs) throw new CommandException($"rollout {rollout.Text("rollout")} took its place");
            if (rollout.Text("phase") == "complete") return;
            if (rollout.Text("phase") is "halted" or "aborted" or "paused") throw new CommandException("see: capillary rollout show");
            await Task.Delay(LookEvery, TimeProvider.System, stop);
        }
    }
}
