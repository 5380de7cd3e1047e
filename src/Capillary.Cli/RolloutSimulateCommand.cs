using System.CommandLine;
using System.Globalization;
using System.Text;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Rollouts;

namespace Capillary.Cli;

/// <summary><c>capillary rollout simulate [DIR]</c>.</summary>
internal sealed class RolloutSimulateCommand
{
    private const int MostCopies = 10_000;

    private readonly Argument<string> folder = FleetFolder.FolderArgument();
    private readonly Option<string?> against = new("--against")
    {
        Description = "Only sites that differ from this commit change (default: every site changes).",
    };

    private readonly Option<int> copies = new("--copies") { Description = "Each site so many times, 1 to 10000.",
        DefaultValueFactory = _ => 1 };

    private readonly Option<double> fails = Share("--fail", "Share of the sites at which the new bundle fails, such as 2%.");
    private readonly Option<double> offline = Share("--offline", "Share of the sites that are away at first, such as 5%.");
    private readonly Option<TimeSpan> away = Time("--away", "The longest time until one of those is back.", "8h");
    private readonly Option<TimeSpan> applies = Time("--apply", "How long a site takes at most; at least a third of it.", "90s");
    private readonly Option<TimeSpan> approves = Time("--approve-after", "How long people take to say yes.", "10m");
    private readonly Option<TimeSpan> until = Time("--until", "When to end at the latest.", "14d");
    private readonly Option<long> seed = new("--seed") { Description = "The same seed gives the same timeline.",
        DefaultValueFactory = _ => 1 };

    private readonly Option<string?> start = new("--start")
    {
        Description = "When it begins, such as 2026-12-01T08:00 (UTC; default: now).",
    };

    private readonly Option<OutputFormat> format = CommandOutput.FormatOption();

    private RolloutSimulateCommand() { }

    public static Command Create()
    {
        var one = new RolloutSimulateCommand();
        var command = new Command("simulate", "Roll the folder's fleet out in a simulation, by its own policies and the hub's own planner, "
            + "and show how long it takes.")
        {
            one.folder, one.against, one.copies, one.fails, one.offline, one.away, one.applies, one.approves, one.until, one.seed,
            one.start, one.format,
        };
        command.SetAction(one.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        var io = parsed.InvocationConfiguration;
        if (Begin(parsed.GetValue(start)) is not { } at)
            return Mistyped(io, $"--start {parsed.GetValue(start)} is not a time, such as 2026-12-01T08:00");
        var count = parsed.GetValue(copies);
        if (count is < 1 or > MostCopies) return Mistyped(io, $"--copies {count}: expected 1 to {MostCopies}");
        var path = parsed.GetValue(folder)!;
        FleetCompilation? baseline = null;
        if (parsed.GetValue(against) is { } revision)
        {
            baseline = await FleetPreviewCommand.CompileAsync(path, revision, null, io.Error, stop);
            if (baseline is null) return ExitCode.Failed;
        }
        if (new FleetFolder(path, io.Error).CompileWithoutErrors(baseline, stop) is not { } compiled) return ExitCode.Failed;
        var release = Copies(TargetRelease.Of(2, compiled), count);
        var rollout = RolloutSimulation.Run(Before(release, baseline, count), release, FleetOf(parsed), at);
        Write(io.Output, rollout, release.Sites.Count, parsed.GetValue(format));
        return rollout.Status.Phase == RolloutPhase.Complete ? ExitCode.Done : ExitCode.Failed;
    }

    private SimulatedFleet FleetOf(ParseResult parsed) => new(parsed.GetValue(fails), parsed.GetValue(offline), parsed.GetValue(away),
        parsed.GetValue(applies) / 3, parsed.GetValue(applies), parsed.GetValue(approves), parsed.GetValue(until),
        (ulong)parsed.GetValue(seed));

    private static int Mistyped(InvocationConfiguration io, string problem)
    {
        io.Error.WriteLine($"capillary: {problem}");
        return ExitCode.Usage;
    }

    private static DateTimeOffset? Begin(string? text) => text is null ? TimeProvider.System.GetUtcNow()
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

    /// <summary>What the sites hold: something that nobody releases, or what the other commit gives them.</summary>
    private static Dictionary<SiteId, Digest> Before(TargetRelease release, FleetCompilation? baseline, int copies)
    {
        if (baseline is null) return release.Sites.ToDictionary(site => site.Key, _ => Digest.Of("before"u8));
        return Copies(TargetRelease.Of(1, baseline), copies).Sites.ToDictionary(site => site.Key, site => site.Value.Bundle);
    }

    private static TargetRelease Copies(TargetRelease release, int count) => count == 1 ? release : release with
    {
        Sites = release.Sites.SelectMany(site => Enumerable.Range(1, count).Select(i =>
            KeyValuePair.Create(NameOf(site.Key, i), site.Value))).ToDictionary(),
    };

    /// <summary>A name has at most 63 characters; of a long one its beginning stays, and a hash tells it from others.</summary>
    private static SiteId NameOf(SiteId site, int copy)
    {
        var name = site.Value;
        if (name.Length > 57) name = $"{name[..48].TrimEnd('-')}-{Digest.Of(Encoding.UTF8.GetBytes(name)).Hex[..8]}";
        return new(string.Create(CultureInfo.InvariantCulture, $"{name}-{copy}"));
    }

    private static void Write(TextWriter output, SimulatedRollout rollout, int sites, OutputFormat format)
    {
        if (format == OutputFormat.Json)
        {
            CommandOutput.WriteJson(output, json =>
            {
                json.WriteStartObject();
                json.WriteString("phase", rollout.Status.Phase.ToString().ToLowerInvariant());
                json.WriteNumber("sites", sites);
                json.WriteNumber("tookSeconds", Math.Round(rollout.Took.TotalSeconds));
                json.WriteStartArray("timeline");
                foreach (var one in rollout.Timeline)
                {
                    json.WriteStartObject();
                    json.WriteNumber("atSeconds", Math.Round(one.At.TotalSeconds));
                    json.WriteString("text", one.Text);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            });
            return;
        }
        foreach (var one in rollout.Timeline)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(long)one.At.TotalHours,4}:{one.At:mm\\:ss}  {one.Text}"));
        output.WriteLine($"{sites:N0} sites, {DurationText.Roughly(rollout.Took)}");
    }

    private static Option<double> Share(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "PERCENT",
        DefaultValueFactory = _ => 0,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value.TrimEnd('%');
            if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent <= 100)
                return percent / 100;
            result.AddError($"{name} {result.Tokens[0].Value} is not a share, such as 2%");
            return 0;
        },
    };

    private static Option<TimeSpan> Time(string name, string description, string otherwise) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        DefaultValueFactory = _ => DurationText.TryParse(otherwise, out var time) ? time : default,
        CustomParser = result =>
        {
            if (DurationText.TryParse(result.Tokens[0].Value, out var time)) return time;
            result.AddError($"{name} {result.Tokens[0].Value} is not a time: write a whole number and s, m, h or d");
            return default;
        },
    };
}
