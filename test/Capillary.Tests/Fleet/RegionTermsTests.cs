using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Xunit;

namespace Capillary.Tests.Fleet;

/// <summary>What a fleet says of its regions' addresses and of who decides when sites come and move.</summary>
public sealed class RegionTermsTests
{
    [Fact]
    public void Addresses_and_policies_are_read()
    {
        var compiled = Compile("addresses: ['eu.example.org:443', '[2001:db8::1]:443']\n  enrollment: {approval: manual, moves: automatic}");
        Assert.NotNull(compiled.Sites);
        var region = compiled.Inventory!.Regions["eu"];
        Assert.Equal(["eu.example.org:443", "[2001:db8::1]:443"], region.Addresses);
        Assert.Equal(new EnrollmentPolicy(true, true), region.Enrollment);
        Assert.Equal(EnrollmentPolicy.Unset, compiled.Inventory.Fleet.Enrollment);
    }

    [Theory]
    [InlineData("addresses: [eu.example.org]", "is not an address")]
    [InlineData("addresses: ['eu.example.org:0']", "is not an address")]
    [InlineData("addresses: ['2001:db8::1:443']", "is not an address")]
    [InlineData("addresses: ['[nonsense]:443']", "is not an address")]
    [InlineData("addresses: ['a b:443']", "is not an address")]
    [InlineData("addresses: ['a:443', 'a:443']", "stands twice")]
    [InlineData("addresses: eu.example.org:443", "expected a list")]
    [InlineData("enrollment: {approval: never}", "'never' is not one of automatic, manual")]
    [InlineData("enrollment: {aproval: manual}", "spec.enrollment.aproval is not known")]
    public void Promise8_what_is_no_address_or_policy_is_named(string spec, string message)
    {
        var error = Assert.Single(Compile(spec).Diagnostics.Shown);
        Assert.Equal("regions/eu.yaml", error.File);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_region_has_at_most_16_addresses() => Assert.Contains("at most 16",
        Assert.Single(Compile($"addresses: [{string.Join(", ", Enumerable.Range(1, 17).Select(i => $"'a{i}:443'"))}]").Diagnostics.Shown).Message,
        StringComparison.Ordinal);

    private static FleetCompilation Compile(string spec)
    {
        var files = CaseFile.Base();
        files["regions/eu.yaml"] = files["regions/eu.yaml"].Replace("spec:\n", $"spec:\n  {spec}\n");
        return CaseFile.Compile(files);
    }
}
