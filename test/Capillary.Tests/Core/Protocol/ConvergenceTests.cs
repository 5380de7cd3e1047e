using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Keys;
using Capillary.Tests.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Protocol;

/// <summary>
/// Promise 2: hub, three regions and their sites, driven at random: lines change, sites move and are revoked, keys of sites, regions, the hub and
/// the trust root change, processes restart, links break with frames on their way. Once all links hold and are quiet, every region and every
/// site has exactly the newest of its scope, and nobody was taken for a copy; nobody counted on having seen a change.
/// </summary>
public sealed class ConvergenceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    public void Promise2_whatever_happened_everyone_ends_with_the_newest(int seed)
    {
        var fleet = new Driven(seed);
        for (var step = 0; step < 800; step++) fleet.Step();
        fleet.Settle();
        // What a region lost after it acknowledged it comes again with the next beacon.
        fleet.Beat();
        fleet.Settle();
        fleet.AssertConverged();
    }

    [Fact]
    public void Promise2_nothing_more_is_sent_once_all_is_known()
    {
        var fleet = new Driven(9);
        fleet.Settle();
        Assert.Equal(0, fleet.DeliverAll());
        fleet.AssertConverged();
    }

    [Fact]
    public void Promise2_nothing_more_is_sent_after_a_rotation_either()
    {
        var fleet = new Driven(10);
        fleet.Settle();
        fleet.Rotate();
        fleet.Settle();
        Assert.Equal(0, fleet.DeliverAll());
        fleet.AssertConverged();
    }

    private sealed class Driven
    {
        private readonly Random random;
        private readonly string name;
        private readonly ModelHub hub;
        private readonly Dictionary<RegionId, ModelRegion> regions;
        private readonly List<ModelSite> sites;
        private readonly Dictionary<ModelChild, ModelLink> links = [];
        private readonly List<ModelLink> ghosts = [];
        private readonly ModelParent hubParent;
        private readonly Dictionary<RegionId, ModelParent> regionParents;
        private readonly HashSet<ModelSite> revoked = [];

        public Driven(int seed)
        {
            (random, name) = (new Random(seed), $"seed {seed}");
            sites = [.. Enumerable.Range(0, 7).Select(i => Make(TestFleet.LyonRecord with
            {
                Node = new($"site-{i}"), Region = i % 2 == 0 ? TestFleet.Eu : TestFleet.Us,
            }, (record, key) => new ModelSite(record, key)))];
            regions = new[] { TestFleet.EuRecord, TestFleet.UsRecord, TestFleet.EuRecord with { Node = new("apac"), Region = new("apac") } }
                .ToDictionary(record => record.Region!.Value, record => Make(record, (own, key) => new ModelRegion(own, key)));
            hub = new ModelHub(regions.Values.Select(region => region.Record), sites.Select(site => site.Record));
            hubParent = new ModelParent("hub", () => hub.Keys.Current.Public, () => hub.State, hub.Watch, (one, _) => hub.Succeed(one));
            regionParents = regions.ToDictionary(item => item.Key, item => new ModelParent(item.Key.Value,
                () => item.Value.Keys.Current.Public, () => item.Value.Offered, item.Value.Watch, item.Value.Relay));
        }

        private static T Make<T>(NodeRecord record, Func<NodeRecord, SigningKey, T> make)
        {
            var key = SigningKey.Create();
            return make(record with { IdentityKey = key.Public }, key);
        }

        private IEnumerable<ModelChild> Children => regions.Values.Concat<ModelChild>(sites);

        public void Rotate() => hub.Rotate();

        public void Beat() => hub.Beat();

        public void Step()
        {
            switch (random.Next(40))
            {
                case 0 or 1: hub.Change(sites.Where(_ => random.Next(2) == 0).Select(site => site.Id), $"bundle {random.Next()}"); break;
                case 2 or 3: Move(Any(sites)); break;
                case 4: hub.Beat(); break;
                case 5 or 6 or 7: Cut(Any(Children.ToList())); break;
                case 8: Restart(Any(Children.ToList())); break;
                case 9 or 10: hub.WantSuccession(Any(Children.ToList()).Record.Node); break;
                case 11 when random.Next(3) == 0: hub.Rotate(); break;
                case 12 when random.Next(3) == 0: hub.SucceedItself(); break;
                case 13 when revoked.Count < 2 && random.Next(5) == 0: Revoke(Any(sites)); break;
                case 14 or 15 or 16 or 17 or 18 or 19: Dial(Any(Children.ToList())); break;
                case 20 or 21 or 22: Compare(); break;
                case 23 or 24 or 25 or 26: foreach (var link in links.Values) link.Beat(); break;
                default: DeliverOne(); break;
            }
        }

        private void DeliverOne()
        {
            // What a lost session sent arrives late.
            ghosts.RemoveAll(link => !link.Busy);
            if (ghosts.Count > 0 && random.Next(20) == 0) Any(ghosts).Deliver(upwards: true);
            if (links.Count > 0) Any(links.Values.ToList()).Deliver(random.Next(2) == 0);
        }

        // Also again, before the site has heard of the move before.
        private void Move(ModelSite site) => hub.Move(site.Id, Any(regions.Keys.ToList()), site.Accepted.Generation);

        private void Revoke(ModelSite site)
        {
            revoked.Add(site);
            hub.Revoke(site.Id);
        }

        private void Cut(ModelChild child)
        {
            if (!links.Remove(child, out var link)) return;
            link.Cut(lost: random.Next(2) == 0);
            ghosts.Add(link);
        }

        private void Restart(ModelChild child)
        {
            Cut(child);
            child.Restart();
            if (child is not ModelRegion region) return;
            // Whoever hung on it lost it too.
            foreach (var site in sites.Where(site => site.Record.Region == region.Record.Region)) Cut(site);
        }

        /// <summary>Every link holds and every frame arrives, until nothing moves.</summary>
        public void Settle()
        {
            for (var round = 0; round < 50; round++)
            {
                foreach (var child in Children) Dial(child);
                Compare();
                if (DeliverAll() == 0 && links.All(item => item.Value.Alive || IsOut(item.Key))) return;
            }
            Assert.Fail($"{name}: not quiet after 50 rounds");
        }

        private bool IsOut(ModelChild child) => child is ModelSite site && revoked.Contains(site);

        public int DeliverAll()
        {
            var delivered = 0;
            while (links.Values.Concat(ghosts).Where(link => link.Busy).ToList() is { Count: > 0 } busy)
            {
                foreach (var link in busy)
                {
                    link.Deliver(upwards: true);
                    link.Deliver(upwards: false);
                }
                // A site that may not come in knocks again and again; that is no news.
                if (busy.Any(link => !links.Any(item => item.Value == link && IsOut(item.Key)))) delivered++;
                Assert.True(delivered < 1000, $"{name}: frames without end");
            }
            return delivered;
        }

        public void AssertConverged()
        {
            foreach (var site in sites)
            {
                if (revoked.Contains(site))
                {
                    Assert.False(links[site].Alive, $"{name}: {site.Id} was revoked and is let in");
                    continue;
                }
                Assert.True(hub.State.Lines[site.Id].Line.Leaf.AsSpan().SequenceEqual(site.Accepted.Leaf), $"{name}: {site.Id}");
                AssertOwn(site);
            }
            foreach (var (region, model) in regions)
            {
                AssertOwn(model);
                var wanted = hub.State.Lines.Values.Where(line => line.Region == region).Select(line => line.Assignment).ToHashSet();
                Assert.True(wanted.SetEquals(model.Offered.Lines.Values.Select(line => line.Assignment)), $"{name}: lines of {region}");
                var records = hub.State.RecordsFor(model.Record).Select(item => (item.Record.Node, item.Record.Version)).ToHashSet();
                Assert.True(records.SetEquals(model.Held.Records.Values.Select(item => (item.Record.Node, item.Record.Version))),
                    $"{name}: records of {region}");
                Assert.Empty(model.Offered.Withheld);
                Assert.Equal(hub.State.Beacon?.Digest, model.Offered.Beacon?.Digest);
                Assert.True(model.Watch.Sightings.Count == 0, $"{name}: {region} took an honest site for a copy: {string.Join(", ", model.Watch.Sightings)}");
            }
            Assert.True(hub.Watch.Sightings.Count == 0, $"{name}: the hub took an honest region for a copy: {string.Join(", ", hub.Watch.Sightings)}");
        }

        private void AssertOwn(ModelChild child)
        {
            var record = hub.RecordOf(child.Record.Node);
            Assert.True(record.Version == child.Record.Version, $"{name}: record of {record.Node}: {child.Record.Version} of {record.Version}");
            Assert.True(record.IdentityKey.Equals(child.Keys.Current.Public), $"{name}: key of {record.Node}");
            Assert.True(child.Keys.Next is null, $"{name}: succession of {record.Node}");
            Assert.True(child.Trust.Root.Version == hub.State.TrustRoots.Count, $"{name}: trust root of {record.Node}");
        }

        // A child whose link broke dials again; a site dials the region that its newest record names.
        private void Dial(ModelChild child)
        {
            if (links.TryGetValue(child, out var held))
            {
                if (held.Alive) return;
                ghosts.Add(held);
            }
            links[child] = new ModelLink(child, child is ModelSite site ? regionParents[site.Record.Region!.Value] : hubParent);
        }

        private void Compare()
        {
            foreach (var link in links.Values.Concat(ghosts)) link.Compare();
        }

        private T Any<T>(List<T> items) => items[random.Next(items.Count)];
    }
}
