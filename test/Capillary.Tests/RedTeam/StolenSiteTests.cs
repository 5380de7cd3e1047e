using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.RedTeam;

/// <summary>Who was shut out stays out of his region, with the hub and without it, and after the region's restart.</summary>
public sealed class StolenSiteTests : IAsyncLifetime
{
    private readonly RedFleet fleet = new();

    public async Task InitializeAsync()
    {
        await fleet.StartAsync();
        await fleet.StartHonestRegionAsync();
        foreach (var site in (string[])["basel", "lyon"]) await fleet.JoinAsync(site, NodeKind.Site, fleet.Honest);
    }

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    [Fact]
    public async Task A_revoked_site_and_an_old_copy_of_a_disk_stay_out()
    {
        using var stolen = Key("basel");
        using var copy = Key("lyon");
        using var successor = SigningKey.Create();
        await UntilAsync(async () => await fleet.DialAsync("basel", stolen) is null && await fleet.DialAsync("lyon", copy) is null);
        fleet.Sign(fleet.Record("basel").Record with { Version = 2, State = RecordState.Revoked });
        fleet.Sign(fleet.Record("lyon").Record with { Version = 2, IdentityKey = successor.Public, Previous = copy.Public.Id });
        await UntilAsync(async () => await fleet.DialAsync("basel", stolen) == "revoked" && await fleet.DialAsync("lyon", copy) == "old-key");
        Assert.Null(await fleet.DialAsync("lyon", successor));

        await fleet.StopHubAsync();
        await AreOutAsync();
        await fleet.StartHonestRegionAsync();
        await AreOutAsync();

        async Task AreOutAsync()
        {
            Assert.Equal("revoked", await fleet.DialAsync("basel", stolen));
            Assert.Equal("old-key", await fleet.DialAsync("lyon", copy));
            Assert.Equal("not-enrolled", await fleet.DialAsync("lyon", stolen));
            Assert.Null(await fleet.DialAsync("lyon", successor));
        }
    }

    private SigningKey Key(string site) => SigningKey.Load(Path.Combine(fleet.Of(site), "identity.pem"));

    private async Task UntilAsync(Func<Task<bool>> holds)
    {
        while (!await holds()) await Task.Delay(20, fleet.Stop);
    }
}
