namespace Capillary.HubNode.Api;

/// <summary>Why a node is revoked; required.</summary>
internal sealed record RevokeWish(string? Reason);

/// <summary>Why holds that are past their max do not count; required.</summary>
internal sealed record OverrideWish(string? Reason);

/// <summary>How a site is retired.</summary>
internal sealed record RetireWish(bool? Force, bool? Cancel, string? Reason);

/// <summary>How new hardware gets an old name, and what may be asked of its join code.</summary>
internal sealed record ReplaceWish(bool? Now, IReadOnlyList<string>? Parents, int? LifetimeMinutes, bool? NeedsParents = null);

internal sealed record MoveWish(string? Region);

/// <summary>Which of those who wait is meant: the first digits of its key's id.</summary>
internal sealed record ApprovalWish(string? Key);

/// <summary>What came of it, in a sentence.</summary>
internal sealed record LifeAnswer(string Text);

/// <summary>A node that proved its join code and waits for an operator.</summary>
internal sealed record WaitingView(string Node, string Kind, string Key, string Via, DateTimeOffset Since);

/// <summary>Somebody who knocked and was not let in.</summary>
internal sealed record KnockView(string Node, string Key, string Via, DateTimeOffset First, DateTimeOffset Last, long Count, string Why);

/// <summary>A region node that holds what this hub never signed.</summary>
internal sealed record AheadView(string Node, long Generation, DateTimeOffset At);

/// <summary>Whether this hub is the newest of itself.</summary>
/// <param name="State"><c>ready</c>, <c>settling</c> or <c>conflict</c>.</param>
/// <param name="Text">Why it publishes nothing; null when it may.</param>
/// <param name="Generation">Its own newest generation.</param>
/// <param name="Next">With which generation a resume would go on; null: nothing is to be resumed, or no release is known.</param>
/// <param name="Lines">How many lines a resume would make anew.</param>
/// <param name="Recovered">Records that regions gave back since the hub's start.</param>
/// <param name="Ahead">Who holds what this hub never signed.</param>
internal sealed record RestoreView(string State, string? Text, long Generation, long? Next, int Lines, long Recovered,
    IReadOnlyList<AheadView> Ahead);
