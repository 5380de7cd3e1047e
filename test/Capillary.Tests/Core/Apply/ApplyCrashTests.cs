using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Xunit;

namespace Capillary.Tests.Core.Apply;

/// <summary>Power is lost at every durable write and every action, once and twice: the end is the same as without.</summary>
public sealed class ApplyCrashTests
{
    private readonly TestBundles bundles = new();

    [Theory]
    [InlineData("good")]
    [InlineData("bad")]
    [InlineData("worse")]
    [InlineData("superseded")]
    public void Promise4_a_crash_at_any_point_ends_as_without_it(string story)
    {
        var expected = Play(story, []);
        for (var k = 0; k < expected.Points; k++) Assert.Equal(expected.End, Play(story, [k]).End);
    }

    [Fact]
    public void Promise2_two_crashes_anywhere_end_as_without_them()
    {
        var expected = Play("bad", []);
        var random = new Random(4);
        for (var run = 0; run < 300; run++)
            Assert.Equal(expected.End, Play("bad", [random.Next(expected.Points), random.Next(expected.Points)]).End);
    }

    private (string End, int Points) Play(string story, int[] crashes)
    {
        var site = new FakeSite(bundles, service => service.Object.Command[0] != "/bin/bad");
        site.Files["/srv/site/etc/shared.conf"] = Digest.Of("foreign"u8);
        site.Files["/srv/site/stranger"] = Digest.Of("stranger"u8);
        var left = new Queue<int>(crashes);
        foreach (var desired in Story(story))
        {
            Alive(site, left, () =>
            {
                site.Boot();
                site.Tell(new ApplyEvent.Assigned(desired));
                if (story == "superseded" && desired.Since == 2) site.Drain(7);
                else site.Settle();
            });
        }
        var files = site.Files.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key}={f.Value}");
        var services = site.Services.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}={s.Value.SpecDigest}");
        var status = site.Status;
        var conditions = status.Conditions.Select(c => $"{c.Code} {c.Subject} {c.Text}");
        string[] end =
        [
            $"{status.Phase} {status.Bundle} {status.Since} {status.AttemptedBundle}", .. files, .. services, .. site.Folders,
            .. conditions, .. site.Originals.Keys, .. site.State.Owned.Select(o => $"{o.Key} {o.Digest} {o.Original}"),
        ];
        return (string.Join('\n', end), site.Points);
    }

    internal static void Alive(FakeSite site, Queue<int> crashes, Action act)
    {
        while (true)
        {
            site.CrashAt = crashes.TryPeek(out var next) ? next : -1;
            try
            {
                act();
                return;
            }
            catch (CrashException)
            {
                // The next crash counts from here on; one that was meant earlier comes at once.
                crashes.Dequeue();
                if (crashes.TryPeek(out var later) && later < site.Points) crashes.Dequeue();
            }
        }
    }

    private IEnumerable<DesiredBundle> Story(string story)
    {
        var first = bundles.Bundle(App("1"), new TestApp("old").File("x", "old/deep/x", "x").Service("s", "app", ["/bin/s"]));
        var second = bundles.Bundle(
            App("2"), new TestApp("new").File("y", "new/y", "y").File("z", "z", "z").Service("s", "app", ["/bin/s"]));
        var bad = bundles.Bundle(App("3"), new TestApp("new").File("y", "new/y", "y3").Service("s", "app", ["/bin/bad"]));
        yield return new(story == "worse" ? bad : first, null, 1);
        if (story == "good") yield return new(second, first, 2);
        if (story is "bad" or "superseded") yield return new(bad, first, 2);
        if (story == "worse") yield return new(bundles.Bundle(App("9").Service("t", "app", ["/bin/bad"])), bad, 2);
        if (story == "superseded") yield return new(second, first, 3);
    }

    private static TestApp App(string version) => new TestApp("gateway")
        .File("config", "etc/shared.conf", version).Rendered("more", "etc/more.conf", "more", version)
        .Service("main", "app", ["/bin/gateway"]);
}
