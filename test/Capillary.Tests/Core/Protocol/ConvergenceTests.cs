using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Tests.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Protocol;

/// <summary>
/// Promise 2: hub, two regions and their sites, driven at random: lines change, sites move, links break with frames on their way. Once all links
/// hold and are quiet, every region and every site has exactly the newest of its scope; nobody counted on having seen a change.
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
    public void Promise2_whatever_happened_everyone_ends_with_the_newest(int seed)
    {
        var fleet = new Driven(seed);
        for (var step = 0; step < 150; step++) fleet.Step();
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

    private sealed class Driven
    {
        private readonly Random random;
        private readonly string name;
        private readonly ModelHub hub;
        private readonly Dictionary<RegionId, ModelRegion> regions;
        private readonly List<ModelSite> sites;
        private readonly Dictionary<ModelChild, ModelLink> links = [];

        public Driven(int seed)
        {
            (random, name) = (new Random(seed), $"seed {seed}");
            var records = Enumerable.Range(0, 7).Select(i => TestFleet.LyonRecord with
            {
                Node = new($"site-{i}"), Region = i % 2 == 0 ? TestFleet.Eu : TestFleet.Us, IdentityKey = TestKey.Fresh().Public,
            }).ToList();
            NodeRecord[] above = [TestFleet.EuRecord, TestFleet.UsRecord];
            hub = new ModelHub(above, records);
            regions = above.ToDictionary(record => record.Region!.Value, record => new ModelRegion(record));
            sites = [.. records.Select(record => new ModelSite(record))];
        }

        private IEnumerable<ModelChild> Children => regions.Values.Concat<ModelChild>(sites);

        public void Step()
        {
            switch (random.Next(12))
            {
                case 0: hub.Change(sites.Where(_ => random.Next(2) == 0).Select(site => site.Id), $"bundle {random.Next()}"); break;
                case 1: hub.Move(Any(sites).Id, Any(regions.Keys.ToList())); break;
                case 2: hub.Beat(); break;
                case 3: links.Remove(Any(Children.ToList())); break;
                case 4 or 5: Dial(Any(Children.ToList())); break;
                case 6: Compare(); break;
                default: if (links.Count > 0) Any(links.Values.ToList()).Deliver(random.Next(2) == 0); break;
            }
        }

        /// <summary>Every link holds and every frame arrives, until nothing moves.</summary>
        public void Settle()
        {
            for (var round = 0; round < 50; round++)
            {
                foreach (var child in Children) Dial(child);
                Compare();
                if (DeliverAll() == 0 && links.Values.All(link => link.Alive)) return;
            }
            Assert.Fail($"{name}: not quiet after 50 rounds");
        }

        public int DeliverAll()
        {
            var delivered = 0;
            while (links.Values.Where(link => link.Busy).ToList() is { Count: > 0 } busy)
            {
                foreach (var link in busy)
                {
                    link.Deliver(upwards: true);
                    link.Deliver(upwards: false);
                }
                Assert.True(++delivered < 1000, $"{name}: frames without end");
            }
            return delivered;
        }

        public void AssertConverged()
        {
            foreach (var site in sites)
                Assert.True(hub.State.Lines[site.Id].Line.Leaf.AsSpan().SequenceEqual(site.Accepted.Leaf), $"{name}: {site.Id}");
            foreach (var (region, model) in regions)
            {
                var wanted = hub.State.Lines.Values.Where(line => line.Region == region).Select(line => line.Assignment).ToHashSet();
                Assert.True(wanted.SetEquals(model.State.Lines.Values.Select(line => line.Assignment)), $"{name}: lines of {region}");
                var records = hub.State.RecordsFor(model.Record).Select(item => item.Record).ToHashSet();
                Assert.True(records.SetEquals(model.State.Records.Values.Select(item => item.Record)), $"{name}: records of {region}");
                Assert.Equal(hub.State.Beacon?.Digest, model.State.Beacon?.Digest);
            }
        }

        // A child whose link broke dials again; a site dials the region it belongs to now.
        private void Dial(ModelChild child)
        {
            var region = child is ModelSite site ? regions[hub.RegionOf(site.Id)] : null;
            if (links.TryGetValue(child, out var held) && held.Alive) return;
            links[child] = region is null
                ? new ModelLink(child, TestFleet.HubRecord, () => hub.State)
                : new ModelLink(child, region.Record, () => region.State);
        }

        private void Compare()
        {
            foreach (var link in links.Values) link.Compare();
        }

        private T Any<T>(List<T> items) => items[random.Next(items.Count)];
    }
}
