using System.Collections.Frozen;
using System.Collections.Immutable;
using Capillary.Core.Apply;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Capillary.Tests.Core.Apply;

public sealed class ApplyRulesTests
{
    private static readonly SiteAllowList Allow = new(
        ["/srv/site", "/etc/lab"],
        ["/srv/site/state"],
        new Dictionary<string, string?> { ["app"] = null, ["admin"] = "is root here" }.ToFrozenDictionary(),
        new HashSet<int> { 443 }.ToFrozenSet());

    [Theory]
    [InlineData("/srv/site/a/b", true)]
    [InlineData("/etc/lab/x", true)]
    [InlineData("/srv/site", false)]
    [InlineData("/srv/sitex/a", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("/srv/site/../x", false)]
    [InlineData("/srv/site/state", false)]
    [InlineData("/srv/site/state/apply.json", false)]
    [InlineData("/srv/site/.capillary/x", false)]
    [InlineData("/srv/site/x.capillary-orig", false)]
    public void Only_paths_below_a_root_are_allowed(string path, bool allowed) => Assert.Equal(allowed, Allow.CheckPath(path) is null);

    [Fact]
    public void The_back_off_doubles_up_to_its_limit_and_forgets_after_a_stable_minute()
    {
        var policy = new RestartPolicy(RestartWhen.Always, 1, 60);
        var delays = Enumerable.Range(1, 8).Select(n => (int)RestartBackoff.Delay(policy, n).TotalSeconds);
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], delays);
        Assert.Equal(TimeSpan.FromSeconds(60), RestartBackoff.Delay(policy, int.MaxValue));
        Assert.Equal((6, 1), (RestartBackoff.Count(5, TimeSpan.FromSeconds(59)), RestartBackoff.Count(5, TimeSpan.FromSeconds(60))));
        Assert.False(RestartBackoff.Again(policy with { When = RestartWhen.OnFailure }, 0));
        Assert.True(RestartBackoff.Again(policy with { When = RestartWhen.OnFailure }, null));
    }

    /// <summary>After any plan exactly the desired is owned and nothing is left to do; leftovers go before anything is written.</summary>
    [Fact]
    public void Every_plan_ends_where_it_should()
    {
        var maps = Gen.Choose(0, 5).SelectMany(n => Gen.Choose(0, 1 << 12).Select(seed => (n, seed))).ToArbitrary();
        Check.QuickThrowOnFailure(Prop.ForAll(maps, maps, (from, to) =>
        {
            var owned = Run(Desired(from.n, from.seed), []);
            var target = Desired(to.n, to.seed);
            var steps = ApplyPlanner.Plan(target, owned);
            var removals = steps.Select((step, i) => step is Step.RemoveFile or Step.RemoveService or Step.RemoveFolder ? i : -1);
            var writes = steps.Select((step, i) => step is Step.WriteFile or Step.StartService ? i : int.MaxValue);
            var (lastRemoval, firstWrite) = (removals.Prepend(-1).Max(), writes.Append(int.MaxValue).Min());
            var after = Run(target, owned);
            var keys = target.Apps.SelectMany(
                a => a.Files.Select(f => $"File:{f.Path}").Concat(a.Services.Select(s => $"Service:{s.Key}")));
            return lastRemoval < firstWrite && ApplyPlanner.Plan(target, after).IsEmpty
                && keys.Order(StringComparer.Ordinal).SequenceEqual(after.Select(o => o.Key));
        }));
    }

    private static ImmutableArray<OwnedObject> Run(DesiredObjects desired, ImmutableArray<OwnedObject> owned)
    {
        foreach (var step in ApplyPlanner.Plan(desired, owned))
        {
            owned = step switch
            {
                Step.WriteFile s => owned.With(OwnedObject.Of(s.File) with { Digest = s.File.Digest }),
                Step.StartService s => owned.With(OwnedObject.Of(s.Service) with { Digest = s.Service.SpecDigest }),
                Step.RemoveFile s => owned.Without(s.Owned.Key),
                Step.RemoveService s => owned.Without(s.Owned.Key),
                _ => owned,
            };
        }
        return owned;
    }

    private static DesiredObjects Desired(int apps, int seed)
    {
        var random = new Random(seed);
        var bundles = new TestBundles();
        var bundle = bundles.Bundle([.. Enumerable.Range(0, apps).Select(i =>
        {
            var app = new TestApp($"app{i}");
            for (var f = random.Next(3); f > 0; f--) app.File($"f{f}", $"a{i}/f{f}", random.Next(3).ToString());
            if (random.Next(2) == 0) app.Service("s", "app", [$"/bin/{random.Next(2)}"]);
            return app;
        })]);
        return Assert.IsType<BundleLoad.Loaded>(BundleContent.Load(bundle, bundles.Get)).Content.ToDesired("/r");
    }
}
