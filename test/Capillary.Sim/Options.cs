namespace Capillary.Sim;

/// <summary>One run.</summary>
/// <param name="Seed">Everything else being equal, the same seed is the same run, event by event.</param>
/// <param name="Sites">How many sites.</param>
/// <param name="Regions">How many regions; sites are dealt to them in turn.</param>
/// <param name="Minutes">Virtual minutes during which faults happen.</param>
/// <param name="CheapFrames">Frames are passed on as objects, not as bytes.</param>
/// <param name="Broken">A rule that is broken on purpose, to see that the checks notice.</param>
internal sealed record Options(ulong Seed, int Sites = 100, int Regions = 3, int Minutes = 40, bool CheapFrames = false,
    Mutation Broken = Mutation.None)
{
    /// <summary>Virtual minutes after the last fault in which all must be well.</summary>
    public int CalmMinutes { get; init; } = 40;

    /// <summary>Where the trace goes; null: nowhere.</summary>
    public TextWriter? Trace { get; init; }
}

/// <summary>Rules that can be broken on purpose.</summary>
internal enum Mutation
{
    None,

    /// <summary>A site takes any line that it can read.</summary>
    SiteSkipsAcceptance,

    /// <summary>A site acts on a line that it has not kept.</summary>
    SiteActsBeforeKeeping,

    /// <summary>A site begins although its blobs are still elsewhere.</summary>
    SiteAppliesBeforeBlobs,

    /// <summary>A site does what apply decided without keeping it first.</summary>
    SiteKeepsNoApplyState,

    /// <summary>A site that reverted tries again after a restart.</summary>
    SiteForgetsReverts,

    /// <summary>A site with a full disk signs on with numbers that it keeps in memory only.</summary>
    SiteForgetsReportNumbers,

    /// <summary>All sites are one wave.</summary>
    PlannerIgnoresWaves,

    /// <summary>Every site that was ever heard of counts as heard of now.</summary>
    HubTrustsSilence,

    /// <summary>A hub takes a report that a region held for long for a sign of life.</summary>
    HubTakesRelayedReportsForLife,

    /// <summary>A hub comes back without its last plan.</summary>
    HubForgetsItsLastPlan,

    /// <summary>A region leaves damaged files out and does not ask for what they held.</summary>
    RegionKeepsGenerationOverDamage,

    /// <summary>A parent takes the key before the one in the record too.</summary>
    ParentAcceptsOldKey,

    /// <summary>A parent lets a revoked child's session go on.</summary>
    ParentKeepsRevokedSessions,

    /// <summary>A region leads its children to a new trust root before what it offers holds under it.</summary>
    RegionOffersRootTooEarly,

    /// <summary>A hub offers a new trust root before records and lines are signed anew.</summary>
    HubRotatesRootFirst,

    /// <summary>A node puts its next key in place before the record that names it is durable.</summary>
    SitePromotesBeforeRecord,

    /// <summary>A hub with a full disk acknowledges events that it did not keep, and takes what comes after the hole.</summary>
    HubTakesHoles,
}
