using Capillary.Node.Links;
using Xunit;

namespace Capillary.Tests.Node.Networks;

public sealed class LinkLimitsTests
{
    private static readonly TimeZoneInfo Zurich = TimeZoneInfo.FindSystemTimeZoneById("Europe/Zurich");

    [Theory]
    [InlineData("2MB/s", 2_000_000)]
    [InlineData("500k", 500_000)]
    [InlineData("1.5Mi", 1_572_864)]
    [InlineData("64 KiB/s", 65_536)]
    [InlineData("1GB", 1_000_000_000)]
    [InlineData("20000", 20_000)]
    public void A_rate_is_read(string text, long expected) => Assert.Equal(expected, LinkLimits.ParseRate(text, "--max-rate"));

    [Theory]
    [InlineData("", "'' is not a rate")]
    [InlineData("fast", "'fast' is not a rate; expected such as 500k or 2MB/s")]
    [InlineData("-5M", "is not a rate")]
    [InlineData("2Mbit/s", "counts bits; give bytes per second")]
    [InlineData("9k", "9000 bytes per second is too slow")]
    [InlineData("99999999999999999999G", "is not a rate")]
    public void Promise8_a_wrong_rate_gets_a_clear_error(string text, string expected)
    {
        var e = Assert.Throws<InvalidDataException>(() => LinkLimits.ParseRate(text, "--max-rate"));
        Assert.StartsWith("--max-rate: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("25:00-26:00", "are not quiet hours; expected such as 07:00-19:00")]
    [InlineData("07:00", "are not quiet hours")]
    [InlineData("07:00-07:00", "are none")]
    [InlineData("00:00-24:00", "are none")]
    [InlineData("00:00-12:00,12:00-00:00", "cover the whole day")]
    public void Promise8_wrong_quiet_hours_get_a_clear_error(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => QuietHours.Parse(text, "--quiet")).Message, StringComparison.Ordinal);

    [Theory]
    // By day, both ends, and outside.
    [InlineData("07:00-19:00", "2026-11-20T06:59:59+01:00", null)]
    [InlineData("07:00-19:00", "2026-11-20T07:00:00+01:00", "2026-11-20T19:00:00+01:00")]
    [InlineData("07:00-19:00", "2026-11-20T18:59:59+01:00", "2026-11-20T19:00:00+01:00")]
    [InlineData("07:00-19:00", "2026-11-20T19:00:00+01:00", null)]
    // Over midnight, and up to it.
    [InlineData("22:00-06:00", "2026-11-20T23:30:10+01:00", "2026-11-21T06:00:00+01:00")]
    [InlineData("22:00-06:00", "2026-11-21T05:59:00+01:00", "2026-11-21T06:00:00+01:00")]
    [InlineData("22:00-24:00", "2026-11-20T22:00:00+01:00", "2026-11-21T00:00:00+01:00")]
    [InlineData("22:00-24:00", "2026-11-21T00:00:00+01:00", null)]
    // Windows that meet are one.
    [InlineData("07:00-12:00, 12:00-19:00", "2026-11-20T08:00:00+01:00", "2026-11-20T19:00:00+01:00")]
    // Spring: 02:00 to 03:00 does not exist; an end in it is its end, a window in it is none.
    [InlineData("00:00-02:30", "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00")]
    [InlineData("02:10-02:50", "2026-03-29T01:59:59+01:00", null)]
    [InlineData("22:00-06:00", "2026-03-28T23:00:00+01:00", "2026-03-29T06:00:00+02:00")]
    // Autumn: 02:00 to 03:00 comes twice, and each time a window in it holds.
    [InlineData("02:10-02:30", "2026-10-25T02:15:00+02:00", "2026-10-25T02:30:00+02:00")]
    [InlineData("02:10-02:30", "2026-10-25T02:40:00+02:00", null)]
    [InlineData("02:10-02:30", "2026-10-25T02:15:00+01:00", "2026-10-25T02:30:00+01:00")]
    [InlineData("22:00-06:00", "2026-10-24T23:00:00+02:00", "2026-10-25T06:00:00+01:00")]
    public void Quiet_hours_follow_the_wall_clock(string hours, string now, string? until) =>
        Assert.Equal(until is null ? null : DateTimeOffset.Parse(until), QuietHours.Parse(hours, "--quiet").QuietUntil(DateTimeOffset.Parse(now), Zurich));

    [Fact]
    public async Task A_rate_is_shared_and_saves_up_an_eighth_of_a_second()
    {
        var clock = new HandClock();
        var bucket = new TokenBucket(1000, clock);
        Assert.True(bucket.TakeAsync(125, default).IsCompleted);
        var first = bucket.TakeAsync(500, default);
        var second = bucket.TakeAsync(500, default);
        Assert.Equal([TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1)], clock.Waits);
        clock.Advance(TimeSpan.FromSeconds(1));
        await first;
        await second;
        // An hour of silence is worth no more.
        clock.Advance(TimeSpan.FromHours(1));
        Assert.True(bucket.TakeAsync(125, default).IsCompleted);
        Assert.False(bucket.TakeAsync(1, default).IsCompleted);
        // Whoever shares it is so much ahead of it: a 32nd of a second.
        Assert.Equal(12_500, new TokenBucket(400_000, clock).Piece);
    }

    [Theory]
    [InlineData("http://proxy.ward:3128", "proxy.ward", 3128, null, null)]
    [InlineData(" HTTP://proxy.ward:3128/ ", "proxy.ward", 3128, null, null)]
    [InlineData("10.0.0.1:80", "10.0.0.1", 80, null, null)]
    [InlineData("http://[fd00::1]:8080", "fd00::1", 8080, null, null)]
    [InlineData("http://lab:p%40ss%3A%2Fw%25@proxy:3128", "proxy", 3128, "lab", "p@ss:/w%")]
    [InlineData("http://lab:a@b@proxy:3128", "proxy", 3128, "lab", "a@b")]
    [InlineData("http://DOM%5Clab:a:b@proxy:3128", "proxy", 3128, "DOM\\lab", "a:b")]
    [InlineData("http://lab@proxy:3128", "proxy", 3128, "lab", null)]
    [InlineData("http://lab:%C3%BC@proxy:3128", "proxy", 3128, "lab", "ü")]
    public void A_proxy_is_read(string text, string host, int port, string? user, string? password) =>
        Assert.Equal(new ProxySettings(host, port, user, password), ProxySettings.Parse(text, "--proxy"));

    [Theory]
    [InlineData("", "has no port")]
    [InlineData("proxy", "has no port")]
    [InlineData("http://[fd00::1]", "has no port")]
    [InlineData("fd00::1:8080", "an IPv6 address without brackets")]
    [InlineData("http://proxy:0", "no port of 1 to 65535")]
    [InlineData("http://proxy:99999", "no port of 1 to 65535")]
    [InlineData("http://:3128", "no valid host")]
    [InlineData("http://pro xy:3128", "no valid host")]
    [InlineData("https://lab:topsecret@proxy:3128", "is not an http:// address")]
    [InlineData("socks5://proxy:1080", "SOCKS are not supported")]
    [InlineData("http://lab:topsecret%2@proxy:3128", "write a percent sign as %25")]
    [InlineData("http://lab:topsecret/x@proxy:3128/y", "has something after its port")]
    [InlineData("http://:topsecret@proxy:3128", "has an empty user")]
    [InlineData("http://a%3Ab:topsecret@proxy:3128", "a user with a colon")]
    [InlineData("http://lab:topsecret%0D%0AX@proxy:3128", "a control character")]
    public void Promise8_a_wrong_proxy_gets_a_clear_error_without_its_password(string text, string expected)
    {
        var e = Assert.Throws<InvalidDataException>(() => ProxySettings.Parse(text, "--proxy"));
        Assert.StartsWith("--proxy: the proxy ", e.Message, StringComparison.Ordinal);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("topsecret", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_proxy_is_shown_without_its_password() =>
        Assert.Equal("[fd00::1]:8080", new ProxySettings("fd00::1", 8080, "lab", "topsecret").ToString());
}
