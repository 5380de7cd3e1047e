using System.Net;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Node.Keys;
using Capillary.Node.Parent;
using Xunit;

namespace Capillary.Tests.Node.Parent;

/// <summary>What one identity may take, and that nobody else pays for it.</summary>
public sealed class ParentLimitTests
{
    [Fact]
    public async Task A_key_with_too_many_sessions_is_told_so_and_what_to_do()
    {
        await using var parent = new RealParent(2, limits => limits with { SessionsPerKey = 2 });
        await parent.StartAsync();
        using var one = await parent.JoinAsync(0);
        using var two = await parent.JoinAsync(0);
        var refusal = await Assert.ThrowsAsync<RefusedException>(() => parent.JoinAsync(0));
        Assert.Equal("too-many", refusal.Code);
        Assert.Contains("wait a minute", refusal.Message, StringComparison.Ordinal);
        using var other = await parent.JoinAsync(1);
    }

    [Fact]
    public async Task A_thousand_children_behind_one_address_are_not_limited_while_a_noisy_one_is()
    {
        const int Children = 1000;
        await using var parent = new RealParent(Children + 1, limits => limits with { RequestBurst = 20, RequestsPerSecond = 1 });
        await parent.StartAsync();
        using var noisy = await parent.JoinAsync(Children);
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 40; i++) statuses.Add(await noisy.GetAsync());
        Assert.Contains(HttpStatusCode.TooManyRequests, statuses);
        // All come from 127.0.0.1, as they would from one hospital's NAT.
        await Parallel.ForEachAsync(Enumerable.Range(0, Children), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (index, _) =>
        {
            var child = await parent.JoinAsync(index);
            Assert.Equal(HttpStatusCode.NotFound, await child.GetAsync());
            parent.Keep(child);
        });
        Assert.Equal(Children + 1, parent.Server.Sessions);
        statuses.Clear();
        for (var i = 0; i < 40; i++) statuses.Add(await noisy.GetAsync());
        Assert.Contains(HttpStatusCode.TooManyRequests, statuses);
    }

    [Fact]
    public async Task A_stranger_holds_few_connections_and_none_for_long()
    {
        await using var parent = new RealParent(1, limits => limits with { ConnectionsPerStranger = 1, SessionWithin = TimeSpan.FromSeconds(2) });
        await parent.StartAsync();
        using var stranger = SigningKey.Create();
        using var first = parent.Connect(stranger);
        await first.AskFleetAsync(parent.Stop);
        using var second = parent.Connect(stranger);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => second.AskFleetAsync(parent.Stop));
        // The first connection is of no use and is closed, so that another one finds the place free.
        while (!await AnswersAsync(parent, stranger)) await Task.Delay(50, parent.Stop);
    }

    [Fact]
    public async Task A_join_code_is_not_tried_without_end_and_neither_does_a_key()
    {
        await using var parent = new RealParent(1, limits => limits with { EnrollmentsPerMinute = 3 });
        await parent.StartAsync();
        var errors = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            using var key = SigningKey.Create();
            using var connection = parent.Connect(key);
            var request = new EnrollRequest(1, NodeKind.Site, "one-code", key.Public, key.Public, new byte[32], new NodeName("basel"));
            errors.Add((await connection.EnrollAsync(request, parent.Stop)).Error!);
        }
        Assert.Equal(3, errors.Count(error => error == RealParent.NotHere));
        Assert.Equal(2, errors.Count(error => error.StartsWith("too-many: this join code", StringComparison.Ordinal)));
        using var again = SigningKey.Create();
        using var noisy = parent.Connect(again);
        var tries = new List<string>();
        for (var i = 0; i < 5; i++)
            tries.Add((await noisy.EnrollAsync(new EnrollRequest(1, NodeKind.Site, $"code-{i}", again.Public, again.Public,
                new byte[32], new NodeName("basel")), parent.Stop)).Error!);
        Assert.Equal(2, tries.Count(error => error.StartsWith("too-many: this node", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_table_of_what_is_counted_is_bounded_and_forgets_the_unused()
    {
        var time = new HandTime();
        var limits = new IdentityLimits(new ParentLimits { MostCounted = 100 }, time);
        Assert.True(limits.TryBeginSession("held"));
        for (var i = 0; i < 10_000; i++)
        {
            time.Move(TimeSpan.FromMilliseconds(20));
            limits.MayTryCode($"{i}");
        }
        Assert.True(limits.Count <= 100);
        time.Move(TimeSpan.FromMinutes(11));
        limits.Sweep();
        Assert.Equal(1, limits.Count);
        limits.EndSession("held");
        limits.Sweep();
        Assert.Equal(0, limits.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(101)]
    public void A_limit_out_of_range_is_named(int sessions)
    {
        var options = new ParentOptions(new IPEndPoint(IPAddress.Loopback, 0)) { Limits = new ParentLimits { SessionsPerKey = sessions } };
        Assert.Contains("SessionsPerKey", Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    private static async Task<bool> AnswersAsync(RealParent parent, SigningKey key)
    {
        using var connection = parent.Connect(key);
        try
        {
            await connection.AskFleetAsync(parent.Stop);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private sealed class HandTime : TimeProvider
    {
        private long now = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now;

        public void Move(TimeSpan by) => now += by.Ticks;
    }
}
