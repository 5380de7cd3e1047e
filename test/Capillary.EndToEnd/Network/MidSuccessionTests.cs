using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>The cable is pulled while a site changes its key: before the hub has its succession, and before the site has its next record.</summary>
public sealed class MidSuccessionTests(ITestOutputHelper output) : NetworkTest(output)
{
    private string NextKey => Path.Combine(Fleet.HomeOf(Site), "identity-next.pem");

    [NetworkFact]
    public async Task CablePulledMidSuccession_OneKeyHolds_AndTheSiteComesBackWithTheNextOne()
    {
        foreach (var hubHasIt in (bool[])[false, true])
        {
            var before = await BeginAsync();
            for (var attempt = 1; hubHasIt && !await HubHearsAsync(before, attempt); attempt++) before = await BeginAsync();
            var log = Fleet.LogEnd(Site);
            await Net.CutAsync(Site, Stop);
            await WaitForLossAsync(Site, log);
            Assert.Equal((true, !hubHasIt), (File.Exists(NextKey), await KeyAsync() == before));

            await Net.HearAsync(Site, Stop);
            await Net.PlugAsync(Site, Stop);
            await WaitAsync("the next key to be the only one", async () => !File.Exists(NextKey) && await KeyAsync() != before);
            await ConvergeAsync(await CommitNoticeAsync($"after a succession that was cut, {hubHasIt}"));
            // Who changes its key honestly is no copy.
            Assert.Empty((await SiteAsync()).GetProperty("key").GetProperty("copies").EnumerateArray());
        }
    }

    /// <summary>The site hears that a key is due and makes it; nothing that it says arrives.</summary>
    /// <returns>The key before.</returns>
    private async Task<string> BeginAsync()
    {
        var before = await KeyAsync();
        await Net.MuteAsync(Site, Stop);
        await Fleet.CapillaryAsync(Stop, "site", "rotate-key", Site, "--socket", Fleet.Socket);
        await WaitAsync("the site to have its next key", () => File.Exists(NextKey));
        return before;
    }

    /// <summary>
    /// What the site says arrives, and nothing that it would hear. TCP then repeats only the first segment that was lost: when the site said
    /// something else before its succession, the hub does not get it, and the succession is let through and begun again.
    /// </summary>
    private async Task<bool> HubHearsAsync(string before, int attempt)
    {
        await Net.DeafenAsync(Site, Stop);
        try
        {
            await WaitAsync("the hub to have signed the next record", async () => await KeyAsync() != before, TimeSpan.FromSeconds(20));
            return true;
        }
        catch (HarnessException) when (attempt < 6)
        {
            await Net.HearAsync(Site, Stop);
            await WaitAsync("the succession to be over", async () => !File.Exists(NextKey) && await KeyAsync() != before);
            return false;
        }
    }

    private async Task<string> KeyAsync() => (await SiteAsync()).GetProperty("identityKey").GetString()!;

    private Task<JsonElement> SiteAsync() => Fleet.Api.GetAsync($"sites/{Site}", Stop);
}
