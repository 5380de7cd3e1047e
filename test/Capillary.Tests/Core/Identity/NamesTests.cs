using System.Text.Json;
using Capillary.Core.Identity;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Capillary.Tests.Core.Identity;

/// <summary>The one rule for names.</summary>
public sealed class NamesTests
{
    private const string Middle = "abcdefghijklmnopqrstuvwxyz0123456789-";

    private static readonly Gen<string> Labels = Gen.Choose(1, DnsLabel.MaxLength)
        .SelectMany(length => Gen.ArrayOf(Gen.Elements(Middle.ToCharArray()), length))
        .Select(letters => new string(letters)).Where(text => text[0] != '-' && text[^1] != '-');

    [Fact]
    public void Every_label_is_a_name_and_reads_back() => Prop.ForAll(Labels.ToArbitrary(), text =>
        DnsLabel.IsValid(text) && new SiteId(text).ToString() == text && new AppName(text).Value == text
        && JsonSerializer.Deserialize<SiteId>(JsonSerializer.Serialize(new SiteId(text))) == new SiteId(text)
        && JsonSerializer.Deserialize<RegionId>(JsonSerializer.Serialize(new RegionId(text))) == new RegionId(text))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Any_text_is_a_label_or_an_error() => Prop.ForAll(ArbMap.Default.ArbFor<string?>(), text =>
    {
        try
        {
            return new SiteId(text!).Value == text && DnsLabel.IsValid(text);
        }
        catch (FormatException)
        {
            return !DnsLabel.IsValid(text);
        }
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("A")]
    [InlineData("a.b")]
    [InlineData("a_b")]
    [InlineData("ä")]
    [InlineData("٣")]
    [InlineData("a\n")]
    [InlineData("../a")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void What_is_no_label_is_refused(string text)
    {
        Assert.Throws<FormatException>(() => new FleetName(text));
        Assert.Throws<FormatException>(() => new SiteId(text));
        Assert.Throws<FormatException>(() => new RegionId(text));
        Assert.Throws<FormatException>(() => new NodeName(text));
        Assert.Throws<FormatException>(() => new AppName(text));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<NodeName>(JsonSerializer.Serialize(text)));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("\"0\"")]
    [InlineData("\"hub, site\"")]
    [InlineData("\"tower\"")]
    [InlineData("null")]
    [InlineData("7")]
    public void A_kind_stands_by_its_name_only(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<NodeKind>(json));

    [Fact]
    public void Sites_are_in_ordinal_order()
    {
        SiteId[] sites = [new("b"), new("a-b"), new("a0"), new("a")];
        Assert.Equal("a a-b a0 b", string.Join(' ', sites.Order()));
        Assert.True(new SiteId("a") < new SiteId("b") && new SiteId("b") >= new SiteId("a-b"));
    }
}
