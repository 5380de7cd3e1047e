using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Trust;

/// <summary>Promise 1: only what the hub signed for this site, and never back.</summary>
public sealed class AcceptanceTests
{
    [Fact]
    public void A_proven_line_is_accepted_and_acts_once()
    {
        var offered = TestFleet.Signed(7, TestFleet.Plan);
        var first = Accepted(Offer(AcceptedLine.None, offered, 0));
        Assert.True(first.Acts);
        Assert.Equal((7L, 7L, offered.Digest), (first.State.Generation, first.State.Since, first.State.Checkpoint));

        var again = Accepted(Offer(first.State, offered, 0));
        Assert.False(again.Acts);
        var newer = Accepted(Offer(again.State, TestFleet.Signed(9, TestFleet.Plan), 0));
        Assert.False(newer.Acts);
        Assert.Equal((9L, 7L), (newer.State.Generation, newer.State.Since));
    }

    [Fact]
    public void Promise1_the_line_of_another_site_is_refused_though_its_proof_holds() =>
        Refused(RefusalCode.NotForThisSite, Offer(AcceptedLine.None, TestFleet.Signed(7, TestFleet.Plan), 1));

    [Fact]
    public void Promise1_a_line_of_another_fleet_is_refused()
    {
        var plan = new[] { TestFleet.Line(TestFleet.Basel, 7) with { Fleet = new FleetName("other") } };
        Refused(RefusalCode.NotForThisSite, Offer(AcceptedLine.None, TestFleet.Signed(7, plan), plan, 0));
    }

    [Fact]
    public void Promise1_an_older_generation_is_refused()
    {
        var state = Accepted(Offer(AcceptedLine.None, TestFleet.Signed(9, TestFleet.Plan), 0)).State;
        Refused(RefusalCode.Rollback, Offer(state, TestFleet.Signed(8, TestFleet.Plan), 0));
    }

    [Fact]
    public void Promise1_another_checkpoint_of_the_same_generation_is_equivocation()
    {
        var state = Accepted(Offer(AcceptedLine.None, TestFleet.Signed(9, TestFleet.Plan), 0)).State;
        Refused(RefusalCode.Equivocation, Offer(state, TestFleet.Signed(9, TestFleet.Plan, at: TestFleet.Issued.AddSeconds(1)), 0));
    }

    [Fact]
    public void Promise1_since_never_goes_back_nor_beyond_its_generation()
    {
        var state = Accepted(Offer(AcceptedLine.None, TestFleet.Signed(9, TestFleet.Plan), 0)).State;
        var back = new[] { TestFleet.Line(TestFleet.Basel, 6) };
        Refused(RefusalCode.Rollback, Offer(state, TestFleet.Signed(10, back), back, 0));
        var beyond = new[] { TestFleet.Line(TestFleet.Basel, 11) };
        Refused(RefusalCode.NotForThisSite, Offer(state, TestFleet.Signed(10, beyond), beyond, 0));
    }

    [Fact]
    public void Promise1_two_lines_of_one_since_are_equivocation()
    {
        var state = Accepted(Offer(AcceptedLine.None, TestFleet.Signed(9, TestFleet.Plan), 0)).State;
        var other = new[] { TestFleet.Line(TestFleet.Basel, 7, "another bundle") };
        Refused(RefusalCode.Equivocation, Offer(state, TestFleet.Signed(10, other), other, 0));
    }

    [Fact]
    public void Promise1_a_line_of_another_checkpoint_is_refused()
    {
        var other = new[] { TestFleet.Line(TestFleet.Basel, 7) };
        Refused(RefusalCode.NotForThisSite, Offer(AcceptedLine.None, TestFleet.Signed(7, other), 0));
    }

    /// <summary>
    /// Random offers, genuine and forged, against a model: what is accepted was signed for this site, and neither number ever falls.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Promise1_no_sequence_of_offers_leads_back(int seed)
    {
        var random = new Random(seed);
        var (genuine, forged) = (History(random, 12), History(random, 12));
        var state = AcceptedLine.None;
        for (var step = 0; step < 600; step++)
        {
            var (offered, plan) = genuine[random.Next(genuine.Count)];
            var index = random.Next(plan.Count);
            var line = TestFleet.Proof(plan, index);
            var honest = random.Next(3) > 0;
            if (!honest) line = Forge(random, line, forged);
            var result = Acceptance.Accept(state, TestFleet.Basel, offered, line);
            var expected = honest && index == 0 && offered.Checkpoint.Generation >= state.Generation;
            Assert.True(expected == result is AcceptResult.Accepted, $"seed {seed}, step {step}: {result}");
            if (result is not AcceptResult.Accepted accepted) continue;
            Assert.True(accepted.State.Generation >= state.Generation && accepted.State.Since >= state.Since, $"seed {seed}, step {step}");
            Assert.Equal(accepted.State.Since > state.Since, accepted.Acts);
            Assert.Equal(plan[0].ToLeaf(), accepted.State.Leaf);
            state = accepted.State;
        }
    }

    /// <summary>Generations 1 to <paramref name="count"/>: each changes some lines, and a changed line gets that generation as its since.</summary>
    private static List<(VerifiedCheckpoint Offered, IReadOnlyList<Assignment> Plan)> History(Random random, int count)
    {
        var plan = new[] { TestFleet.Basel, TestFleet.Boston, TestFleet.Lyon }.Select(site => TestFleet.Line(site, 1)).ToArray();
        var history = new List<(VerifiedCheckpoint, IReadOnlyList<Assignment>)>();
        for (var generation = 1; generation <= count; generation++)
        {
            for (var i = 0; i < plan.Length; i++)
            {
                if (random.Next(2) == 0) plan[i] = TestFleet.Line(plan[i].Site, generation, $"bundle {generation} {random.Next()}");
            }
            history.Add((TestFleet.Signed(generation, plan), [.. plan]));
        }
        return history;
    }

    private static ProvenLine Forge(Random random, ProvenLine line, List<(VerifiedCheckpoint, IReadOnlyList<Assignment> Plan)> forged)
    {
        var other = forged[random.Next(forged.Count)].Plan;
        return random.Next(4) switch
        {
            0 => line with { Leaf = TestFleet.Line(TestFleet.Basel, random.Next(1, 20), $"evil {random.Next()}").ToLeaf() },
            1 => line with { Index = line.Index + 1 + random.Next(5) },
            2 => line with { Path = [.. line.Path.Skip(1)] },
            _ => TestFleet.Proof([.. other.Select(item => item with { Mode = "apply", Fallback = item.Bundle })], random.Next(other.Count)),
        };
    }

    private static AcceptResult Offer(AcceptedLine state, VerifiedCheckpoint offered, int index) => Offer(state, offered, TestFleet.Plan, index);

    private static AcceptResult Offer(AcceptedLine state, VerifiedCheckpoint offered, IReadOnlyList<Assignment> plan, int index) =>
        Acceptance.Accept(state, TestFleet.Basel, offered, TestFleet.Proof(plan, index));

    private static AcceptResult.Accepted Accepted(AcceptResult result) => Assert.IsType<AcceptResult.Accepted>(result);

    private static void Refused(RefusalCode code, AcceptResult result) => Assert.Equal(code, Assert.IsType<AcceptResult.Refused>(result).Code);
}
