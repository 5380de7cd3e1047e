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
            var (before, log) = (await KeyAsync(), Fleet.LogEnd(Site));
            // The site hears that a key is due and makes it; nothing that it says arrives.
            await Net.MuteAsync(Site, Stop);
            await Fleet.CapillaryAsync(Stop, "site", "rotate-key", Site, "--socket", Fleet.Socket);
            await WaitAsync("the site to have its next key", () => File.Exists(NextKey));
            if (hubHasIt)
            {
                await Net.DeafenAsync(Site, Stop);
                await WaitAsync("the hub to have signed the next record", async () => await KeyAsync() != before);
            }
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

    private async Task<string> KeyAsync() => (await SiteAsync()).GetProperty("identityKey").GetString()!;

    private Task<JsonElement> SiteAsync() => Fleet.Api.GetAsync($"sites/{Site}", Stop);
}
