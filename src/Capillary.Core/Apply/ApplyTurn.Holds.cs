namespace Capillary.Core.Apply;

/// <summary>The interlock: what is assigned is fetched while a hold stands, and does not begin; what is under way is finished.</summary>
internal sealed partial class ApplyTurn
{
    /// <summary>The newest assignment's blobs are here and nobody says "not now": it begins as soon as no step is in flight.</summary>
    private bool MayBegin => s.Pending && s.FetchReady && s.Holds.IsEmpty;

    private void BeginOrAbandon()
    {
        if (!MayBegin) return;
        if (s.InFlight is null) Begin();
        else if (s.InFlight.IsWait) Act(new ApplyAction.Abandon());
    }

    private void Held(ApplyEvent.Held e)
    {
        if (Hold.Refusal(s.Holds, e) is not null) return;
        var known = s.Holds.FirstOrDefault(hold => hold.Name == e.Name);
        // The same name keeps its since: nobody gets more time by saying it again.
        var hold = new Hold(e.Name, e.Reason, e.MaxSeconds, known?.Since ?? now);
        if (hold != known) Save(s with { Holds = known is null ? s.Holds.Add(hold) : s.Holds.Replace(known, hold) });
    }

    private void Unheld(ApplyEvent.Unheld e)
    {
        var left = s.Holds.RemoveAll(hold => hold.Name == e.Name);
        if (left.Length == s.Holds.Length) return;
        Save(s with { Holds = left });
        BeginOrAbandon();
    }

    /// <summary>An operator's word ends what is past its max now; what is not, and what is said later, stands.</summary>
    private void Override(DesiredBundle desired)
    {
        if (desired.OverHold) s = s with { Holds = s.Holds.RemoveAll(hold => hold.IsOverdue(now)) };
    }

    /// <summary>Last in every turn: the conditions follow from the holds, the blobs and the time.</summary>
    private void TellHolds()
    {
        var blocks = s.IsHeldBack;
        foreach (var shown in s.Conditions)
        {
            if (shown.Code is not (ConditionCodes.Held or ConditionCodes.HoldOverdue)) continue;
            var hold = s.Holds.FirstOrDefault(hold => hold.Name == shown.Subject);
            if (hold is null || !(shown.Code == ConditionCodes.Held ? blocks : hold.IsOverdue(now))) Clear(shown.Code, shown.Subject);
        }
        foreach (var hold in s.Holds)
        {
            if (blocks) Raise(ConditionCodes.Held, hold.Name, hold.ToString());
            if (hold.IsOverdue(now)) Raise(ConditionCodes.HoldOverdue, hold.Name, hold.OverdueText(now));
        }
    }
}
