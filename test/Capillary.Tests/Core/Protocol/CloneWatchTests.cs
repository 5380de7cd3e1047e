using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Capillary.Tests.Core.Protocol;

/// <summary>Copies are told from links that were cut: never a false word, and always a word when two are at work.</summary>
public sealed class CloneWatchTests
{
    private static readonly NodeName Node = new("basel-lab-1");
    private static readonly DateTimeOffset Now = TestSessions.Now;

    public static TheoryData<TwoSessionsPolicy> Policies => [.. Enum.GetValues<TwoSessionsPolicy>()];

    /// <summary>
    /// One process at a time: it is cut, dials again, starts anew, answers what it is asked; frames of sessions long gone arrive late, their
    /// hellos too, and the parent may sleep for any time. Its keys are succeeded now and then, and it shows an old one never again.
    /// </summary>
    [Theory]
    [MemberData(nameof(Policies))]
    public void Promise6_an_honest_node_is_never_taken_for_a_copy(TwoSessionsPolicy policy) => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        var watch = new CloneWatch(policy);
        var (now, session, current, boot, key) = (Now, 0L, 0L, 0, 0);
        var asked = new List<CloneWatch.Probed>();
        var late = new List<(long Session, long? Answer)>();
        var hellos = new List<(long Session, int Boot, int Key)>();
        var open = new HashSet<long>();
        for (var step = 0; step < 100; step++)
        {
            now = now.AddSeconds(random.Next(60));
            switch (random.Next(9))
            {
                case 0 or 1:
                    if (random.Next(2) == 0) boot++;
                    else if (random.Next(3) == 0) key++;
                    current = ++session;
                    hellos.Add((current, boot, key));
                    if (random.Next(4) > 0) Hello(hellos[^1]);
                    break;
                case 8 when hellos.Count > 0: Hello(hellos[random.Next(hellos.Count)]); break;
                case 2: current = 0; break;
                case 3 when open.Count > 0: Leave(open.First()); break;
                case 4 when current != 0: late.Add((current, null)); break;
                // Only the session that the process holds now is heard by it, and a frame may be long on its way.
                case 5: late.AddRange(asked.Where(one => one.Session == current).Select(one => (one.Session, (long?)one.Number))); break;
                case 6 when late.Count > 0: Hear(late[random.Next(late.Count)]); break;
                default:
                    foreach (var one in open.ToList()) Hear((one, null));
                    break;
            }
        }
        return (watch.Sightings.Count == 0).Label($"seed {seed}: {string.Join(", ", watch.Sightings)}");

        void Hello((long Session, int Boot, int Key) hello)
        {
            hellos.Remove(hello);
            if (hello.Key != key)
            {
                watch.RefusedOldKey(hello.Session, Node, $"key {hello.Key}", $"key {key}", now);
                return;
            }
            open.Add(hello.Session);
            var arrival = watch.Joined(hello.Session, Node, $"key {key}", $"boot {hello.Boot}", now);
            asked.AddRange(arrival.Probed);
            foreach (var ended in arrival.Ended) Leave(ended.Session);
        }

        void Hear((long Session, long? Answer) frame)
        {
            var losers = frame.Answer is { } number ? watch.Answered(frame.Session, number, now) : watch.Heard(frame.Session, now);
            foreach (var loser in losers ?? []) Leave(loser.Session);
        }

        void Leave(long one)
        {
            watch.Left(one);
            open.Remove(one);
            if (current == one) current = 0;
        }
    }).QuickCheckThrowOnFailure();

    /// <summary>Two processes that live at the same time, each of them dialling whenever it has no session.</summary>
    [Theory]
    [MemberData(nameof(Policies))]
    public void Promise6_two_processes_at_work_are_always_seen(TwoSessionsPolicy policy)
    {
        var watch = new CloneWatch(policy);
        Assert.Empty(watch.Joined(1, Node, "key", "a", Now).Probed);
        var probe = Assert.Single(watch.Joined(2, Node, "key", "b", Now).Probed);
        Assert.Equal(1, probe.Session);
        Assert.Null(watch.Answered(1, probe.Number + 1, Now));
        Assert.Null(watch.Answered(2, probe.Number, Now));
        var losers = watch.Answered(1, probe.Number, Now)!;
        Assert.All(losers, loser => Assert.Equal("two-sessions", loser.Code));
        Assert.Equal(policy switch
        {
            TwoSessionsPolicy.NewestStays => [1L],
            TwoSessionsPolicy.OldestStays => [2L],
            _ => [1L, 2L],
        }, losers.Select(loser => loser.Session).Order());
        Assert.Equal((Node, "key", CloneSign.TwoSessions, 1L), (watch.Sightings[0].Node, watch.Sightings[0].KeyId, watch.Sightings[0].Sign, watch.Sightings[0].Count));
        Assert.Null(watch.Answered(1, probe.Number, Now));

        // The loser dials again, and is seen again.
        foreach (var loser in losers) watch.Left(loser.Session);
        var again = watch.Joined(3, Node, "key", "c", Now).Probed;
        if (policy == TwoSessionsPolicy.NoneStays) Assert.Empty(again);
        else Assert.NotNull(watch.Answered(again.Single().Session, again.Single().Number, Now));
        Assert.Equal(policy == TwoSessionsPolicy.NoneStays ? 1 : 2, watch.Sightings.Single().Count);
    }

    [Fact]
    public void A_late_frame_of_a_process_that_ended_proves_nothing_and_ends_its_session_in_time()
    {
        var watch = new CloneWatch(TwoSessionsPolicy.NewestStays);
        watch.Joined(1, Node, "key", "a", Now);
        watch.Joined(2, Node, "key", "b", Now);
        Assert.Empty(watch.Heard(1, Now.AddSeconds(1)));
        // A third that comes gives the silent one no more time.
        watch.Joined(3, Node, "key", "c", Now.AddSeconds(40));
        Assert.Equal(("replaced", 1L), watch.Heard(1, Now.AddSeconds(46)).Select(one => (one.Code, one.Session)).Single());
        Assert.Empty(watch.Sightings);
    }

    [Fact]
    public void A_rival_that_left_before_the_answer_is_seen_all_the_same_and_nobody_ends()
    {
        var watch = new CloneWatch(TwoSessionsPolicy.NewestStays);
        watch.Joined(1, Node, "key", "a", Now);
        var probe = watch.Joined(2, Node, "key", "b", Now).Probed.Single();
        watch.Left(2);
        Assert.Empty(watch.Answered(1, probe.Number, Now)!);
        Assert.Single(watch.Sightings);
    }

    [Fact]
    public void A_process_that_dials_again_replaces_its_own_session()
    {
        var watch = new CloneWatch(TwoSessionsPolicy.OldestStays);
        watch.Joined(1, Node, "key", "a", Now);
        var arrival = watch.Joined(2, Node, "key", "a", Now);
        Assert.Equal((1L, "replaced"), arrival.Ended.Select(one => (one.Session, one.Code)).Single());
        Assert.Empty(arrival.Probed);
    }

    [Fact]
    public void An_old_key_is_a_sign_once_its_successor_was_in_use_here()
    {
        var watch = new CloneWatch(TwoSessionsPolicy.NewestStays);
        watch.Joined(1, Node, "old", "a", Now);
        Assert.False(watch.RefusedOldKey(2, Node, "old", "new", Now));
        watch.Joined(4, Node, "new", "a", Now);
        // Its connection was opened before: only its hello is late.
        Assert.False(watch.RefusedOldKey(3, Node, "old", "new", Now));
        Assert.True(watch.RefusedOldKey(5, Node, "old", "new", Now));
        Assert.Equal(CloneSign.OldKey, Assert.Single(watch.Sightings).Sign);
        Assert.False(watch.RefusedOldKey(6, new("lyon-lab-2"), "old", "new", Now));
    }

    [Fact]
    public void Promise6_a_hello_that_was_late_makes_no_copy_of_the_process_that_came_after()
    {
        var watch = new CloneWatch(TwoSessionsPolicy.NewestStays);
        watch.Joined(2, Node, "key", "b", Now);
        // Asked is who was first: a process that ended before the other began has no answer.
        var probe = watch.Joined(1, Node, "key", "a", Now).Probed.Single();
        Assert.Equal(1, probe.Session);
        Assert.Equal(["two-sessions"], watch.Answered(1, probe.Number, Now)!.Select(one => one.Code));
        watch.Left(1);
        watch.Left(2);
        watch.Joined(4, Node, "key", "b", Now);
        Assert.Equal([3L], watch.Joined(3, Node, "key", "b", Now).Ended.Select(one => one.Session));
    }

    [Fact]
    public void Sessions_and_sightings_are_bounded()
    {
        var watch = new CloneWatch(TwoSessionsPolicy.NewestStays);
        var live = new HashSet<long>();
        for (var session = 1; session <= 50; session++)
        {
            live.Add(session);
            foreach (var ended in watch.Joined(session, Node, "key", $"boot {session}", Now).Ended)
            {
                live.Remove(ended.Session);
                watch.Left(ended.Session);
            }
            Assert.InRange(live.Count, 1, CloneWatch.MaxSessions);
        }
        for (var i = 0; i < 300; i++)
        {
            watch.Joined(1000 + i, new($"site-{i}"), "new", "a", Now);
            watch.RefusedOldKey(5000, new($"site-{i}"), "old", "new", Now);
            watch.RefusedOldKey(5000, new($"site-{i}"), "old", "new", Now);
        }
        Assert.Equal(CloneWatch.MaxSightings, watch.Sightings.Count);
        Assert.Equal(("site-299", 2L), (watch.Sightings[^1].Node.Value, watch.Sightings[^1].Count));
    }
}
