using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Node.Links;
using Xunit;

namespace Capillary.Tests.Node;

/// <summary>What a technician types to join, right and wrong; no network is asked here.</summary>
public sealed class GivenJoinTests : IDisposable
{
    private const string Code = "A0SSR-KPEAS-6CBT6-R0TAY83";
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-given-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_code_and_an_address_are_enough()
    {
        var given = Read(Code.ToLowerInvariant(), ["hub.lab.example", "10.0.0.7:8443", "https://eu.example/", "::1"]);
        Assert.Equal(JoinCode.Parse(Code), given.Code);
        Assert.Equal(["hub.lab.example:443", "10.0.0.7:8443", "eu.example:443", "[::1]:443"], given.Parents);
        Assert.Null(given.File);
        Assert.Equal(JoinCode.Parse(Code), Read("-", ["hub"], $"{Code}\nmore").Code);
    }

    [Fact]
    public void A_file_holds_it_all_and_a_proxy_typed_goes_before_the_one_in_it()
    {
        var file = Write(NodeKind.Site);
        Assert.Equal(["hub:443"], Read(file, []).Parents);
        var given = GivenJoin.Read(file, [], new ProxySettings("p", 3128), NodeKind.Site, TextReader.Null);
        Assert.Equal(new ProxySettings("p", 3128), given.File!.Proxy);
    }

    [Theory]
    [InlineData("A0SSR-KPEAS-6CBT6-R0TAY84", "hub", "check characters do not fit")]
    [InlineData("A0SSR-KPEAS-6CBT6", "hub", "has 22 characters, this one 15")]
    [InlineData("A0SSR-KPEAS-6CBT6-R0TAY8U", "hub", "'U' is never in a join code")]
    [InlineData("-", "hub", "is mistyped")]
    [InlineData(Code, null, "give the parent's address too: join CODE --parent HOST")]
    [InlineData("ward.join", null, "ward.join: no such file; make it where the hub is: capillary site enroll NAME --out ward.join")]
    [InlineData("-", null, "give the parent's address with --parent HOST")]
    [InlineData(Code, "hub lab", "'hub lab' is not an address")]
    [InlineData("/tmp", null, "is a folder; name the join file in it")]
    public void A_mistake_is_said_before_any_network(string argument, string? parent, string says)
    {
        var e = Assert.Throws<InvalidDataException>(() => Read(argument, parent is null ? [] : [parent]));
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("A0SSR", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_another_kind_and_a_file_with_an_address_are_refused()
    {
        Assert.Contains("capillary region join FILE", Assert.Throws<InvalidDataException>(() => Read(Write(NodeKind.Region), [])).Message,
            StringComparison.Ordinal);
        Assert.Contains("leave --parent out", Assert.Throws<InvalidDataException>(() => Read(Write(NodeKind.Site), ["hub"])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_proxys_password_may_stand_in_a_file_or_come_from_stdin()
    {
        var file = Path.Combine(folder, "secret");
        File.WriteAllText(file, "p@ss:w\n");
        var proxy = new ProxySettings("proxy.lab.example", 3128, "ward", "p@ss:w");
        Assert.Equal(proxy, GivenProxy.Read("http://ward@proxy.lab.example:3128", file, TextReader.Null));
        Assert.Equal(proxy, GivenProxy.Read("http://ward@proxy.lab.example:3128", "-", new StringReader("p@ss:w\n")));
        Assert.Equal(proxy, GivenProxy.Read("http://ward:p%40ss%3Aw@proxy.lab.example:3128", null, TextReader.Null));
        Assert.Equal(new ProxySettings("proxy", 80), GivenProxy.Read("proxy:80", null, TextReader.Null));
        Assert.Null(GivenProxy.Read(null, null, TextReader.Null));
        foreach (var (address, password) in ((string?, string?)[])[("socks5://p:1", null), ("http://p", null), ("http://p:1", file),
            ("http://u:secret@p:1", file), (null, file), ("http://u@p:1", "/nowhere/secret")])
        {
            var e = Assert.Throws<InvalidDataException>(() => GivenProxy.Read(address, password, TextReader.Null));
            Assert.DoesNotContain("u:secret", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_join_that_waits_says_so_once_and_goes_on_until_it_is_approved()
    {
        using var key = Capillary.Node.Keys.SigningKey.Create();
        var answers = new Queue<JoinOutcome>([new JoinOutcome.Waiting(new NodeName("ward-1")), new JoinOutcome.Waiting(new NodeName("ward-1")),
            new JoinOutcome.Joined(new NodeRecord(1, new("demo"), new NodeName("ward-1"), NodeKind.Site, new("eu"), key.Public, null, RecordState.Active, 1))]);
        var said = new List<string>();
        var answer = await Approval.WaitAsync(_ => Task.FromResult(answers.Dequeue()), NodeKind.Site, said.Add, new HastyTime(), default);
        Assert.IsType<JoinOutcome.Joined>(answer);
        Assert.Equal("waiting for approval: an operator runs: capillary site approve ward-1", said[0]);
        Assert.Equal(2, said.Count);
    }

    [Fact]
    public void A_link_file_tells_of_one_outage_since_its_first_moment()
    {
        var path = Path.Combine(folder, "link.json");
        var start = new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);
        var file = new LinkFile(path);
        file.Keep(new LinkStatus(true, start, null));
        Assert.Equal(new LinkStatus(true, start, null), LinkFile.Read(path));
        file.Keep(new LinkStatus(false, start.AddMinutes(1), "refused"));
        file.Keep(new LinkStatus(false, start.AddMinutes(2), "no route"));
        Assert.Equal(new LinkStatus(false, start.AddMinutes(1), "no route"), LinkFile.Read(path));
        new LinkFile("/proc/nowhere/link.json").Keep(new LinkStatus(true, start, null));
        File.WriteAllText(path, "{");
        Assert.Null(LinkFile.Read(path));
    }

    private static GivenJoin Read(string argument, IReadOnlyList<string> parents, string input = "") =>
        GivenJoin.Read(argument, parents, null, NodeKind.Site, new StringReader(input));

    private string Write(NodeKind kind)
    {
        var path = Path.Combine(folder, $"{kind}.join");
        File.WriteAllBytes(path, new JoinFile(1, new FleetName("wards"), new NodeName("ward-1"), kind, ["hub:443"], Digest.Of([1]), Code).ToBytes());
        return path;
    }

    /// <summary>Every wait is over at once.</summary>
    private sealed class HastyTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.Zero, period);
    }
}
