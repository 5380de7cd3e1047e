using Capillary.Core.Apply;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Publish;

/// <content>A line as before with a new `since`, because an operator answers what the site says of it.</content>
internal sealed partial class SiteLife
{
    /// <summary>An operator's answer to a site.</summary>
    /// <param name="Kind">The wish that it becomes.</param>
    /// <param name="Asked">What of a report asks for it; nothing: the site does not.</param>
    /// <param name="Refusal">What the site does not say, then.</param>
    /// <param name="Action">In the journal.</param>
    /// <param name="Done">What follows.</param>
    private sealed record Answer(WishKind Kind, Func<Report, IEnumerable<string>> Asked, string Refusal, string Action, string Done)
    {
        public string Reason { get; init; } = "asked for by an operator";
    }

    /// <summary>Has a site try again what it gave up.</summary>
    public LifeOutcome Retry(SiteId site, string actor) => Anew(site, actor, new(WishKind.Retry,
        report => report.Phase is ReportPhase.Reverted or ReportPhase.Degraded ? [report.Phase.ToString().ToLowerInvariant()] : [],
        "did not say that it gave up its line", "site.retry", "is to try again what failed"));

    /// <summary>Lets a site remove what left its bundle, however much of what it owns that is.</summary>
    public LifeOutcome ConfirmPrune(SiteId site, string actor) => Anew(site, actor, new(WishKind.ConfirmPrune,
        report => Texts(report, ConditionCodes.PruneNeedsConfirm), "does not wait for a confirmation to remove something on its line",
        "site.confirm-prune", "is to remove what left its bundle"));

    /// <summary>
    /// Lets a site apply in spite of holds that are past their max. Which those are the site decides when it takes the line: the word of a
    /// workload counts until its max, and only the site counts its time.
    /// </summary>
    public LifeOutcome OverrideHold(SiteId site, string reason, string actor) => Anew(site, actor, new(WishKind.OverrideHold,
        report => Texts(report, ConditionCodes.HoldOverdue), "reports no hold that is past its max (HoldOverdue) on its line",
        "site.override-hold", "is to apply in spite of its holds that are past their max") { Reason = reason });

    private LifeOutcome Anew(SiteId site, string actor, Answer answer)
    {
        lock (gate)
        {
            if (Unready() is { } unready) return unready;
            if (!cell.Value.Lines.TryGetValue(site, out var line)) return Unknown(new NodeName(site.Value), NodeKind.Site);
            if (wishes.GetValueOrDefault(site) is { } other && other.Kind != answer.Kind)
                return new LifeOutcome.Refused($"'{site}' has a change under way: {WordOf(other.Kind)}", HintBeside(other, answer));
            var since = line.Assignment.Since;
            var report = sites.Seen.GetValueOrDefault(site)?.Report;
            string[] asked = report?.Since == since ? [.. answer.Asked(report)] : [];
            if (asked.Length == 0)
                return new LifeOutcome.Refused($"'{site}' {answer.Refusal} of generation {since}",
                    $"what it says: capillary site show {site}");
            Put(new SiteWish(site, answer.Kind, null, since, answer.Reason, actor, time.GetUtcNow()), answer.Action,
                new { site = site.Value, reason = answer.Reason, asked });
        }
        Changed();
        return new LifeOutcome.Done($"'{site}' {answer.Done}; watch it: capillary site show {site}");
    }

    private static IEnumerable<string> Texts(Report report, string code) =>
        report.Conditions.Where(condition => condition.Code == code).Select(condition => condition.Text);

    /// <summary>What helps a site that is held while it is to be retired.</summary>
    private static string? HintBeside(SiteWish other, Answer answer) =>
        other is { Kind: WishKind.Retire } && answer is { Kind: WishKind.OverrideHold }
        ? $"at the site: capillary-edge unhold; or without it: capillary site retire {other.Site} --force" : null;

    private static string WordOf(WishKind wish) => wish switch
    {
        WishKind.ConfirmPrune => "confirm-prune",
        WishKind.OverrideHold => "override-hold",
        _ => wish.ToString().ToLowerInvariant(),
    };

    private static string ModeOf(WishKind wish) => wish switch
    {
        // Who retires a site wants all of it gone.
        WishKind.ConfirmPrune or WishKind.Retire => Assignment.ConfirmedMode,
        WishKind.OverrideHold => Assignment.OverHoldMode,
        _ => Assignment.ApplyMode,
    };
}
