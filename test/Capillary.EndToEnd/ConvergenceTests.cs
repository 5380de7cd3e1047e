using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>A commit reaches its sites, and every command tells the same of it.</summary>
public sealed class ConvergenceTests(SharedFleet shared, ITestOutputHelper output) : FleetTest(shared, output)
{
    private static readonly string[] Members =
        ["site", "region", "state", "since", "generation", "bundle", "commit", "desired", "ageSeconds"];

    [Fact]
    public async Task OneSitesVariable_ChangesThatSiteOnly_AndEveryCommandAgrees()
    {
        Say($"first convergence: {Shared.Started.TotalSeconds:0.0} s");
        var before = await RowsAsync();
        Repository.Edit(SiteNamed(Poct).File, text => text.Replace("emergency ward 2", "emergency ward 9"));
        var preview = JsonDocument.Parse(await Fleet.CapillaryAsync(Stop,
            "fleet", "preview", Repository.Folder, "--socket", Fleet.Socket, "-o", "json"));
        var commit = await CommitAndConvergeAsync("another name for one ward");
        var after = await RowsAsync();

        var change = Assert.Single(preview.RootElement.GetProperty("changes").EnumerateArray());
        Assert.Equal([Poct], change.GetProperty("sites").EnumerateArray().Select(site => site.GetString()));
        var planned = preview.RootElement.GetProperty("rollout");
        var changing = Assert.Single(planned.GetProperty("sites").EnumerateArray());
        Assert.Equal((Poct, JsonValueKind.Null), (changing.GetProperty("site").GetString(), changing.GetProperty("risk").ValueKind));
        Assert.InRange(changing.GetProperty("bytes").GetInt64(), 1, 100_000);
        foreach (var (site, row) in after.Where(item => item.Key != Poct))
        {
            foreach (var member in (string[])["since", "generation", "bundle", "commit", "desired"])
                Assert.Equal(before[site].GetProperty(member).ToString(), row.GetProperty(member).ToString());
        }
        var changed = after[Poct];
        Assert.NotEqual(before[Poct].GetProperty("bundle").GetString(), changed.GetProperty("bundle").GetString());
        Assert.Equal(commit, changed.GetProperty("commit").GetString());
        Assert.True(changed.GetProperty("since").GetInt64() > before[Poct].GetProperty("since").GetInt64());
        Assert.Contains("emergency ward 9", await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")), StringComparison.Ordinal);
        await AgreeAsync(commit, changed);
    }

    private async Task AgreeAsync(string commit, JsonElement row)
    {
        var listed = (await CliJsonAsync("site", "list")).EnumerateArray().ToList();
        Assert.Equal(4, listed.Count);
        Assert.All(listed, item => Assert.All(Members, member => Assert.NotEqual(JsonValueKind.Null, item.GetProperty(member).ValueKind)));
        var shown = (await CliJsonAsync("site", "show", Poct)).GetProperty("summary");
        foreach (var member in (string[])["since", "generation", "bundle", "commit", "desired"])
            Assert.Equal(row.GetProperty(member).ToString(), Compact(shown.GetProperty(member)));
        var release = (await CliJsonAsync("release", "list")).EnumerateArray().First();
        Assert.Equal((commit, 1), (release.GetProperty("commit").GetString(), release.GetProperty("changed").GetInt32()));
        var changes = (await CliJsonAsync("release", "show", release.GetProperty("release").ToString())).GetProperty("changes");
        Assert.Equal(Poct, Assert.Single(changes.EnumerateArray()).GetProperty("site").GetString());
        var status = await CliJsonAsync("status");
        Assert.Equal(commit, status.GetProperty("commit").GetString());
        Assert.Equal(4, status.GetProperty("states").GetProperty("healthy").GetInt32());
        var journal = await CliJsonAsync("journal", "list");
        Assert.True(journal.GetProperty("intact").GetBoolean());
        Assert.Contains(journal.GetProperty("entries").EnumerateArray(), entry => entry.GetProperty("action").GetString() == "release.add"
            && entry.GetProperty("after").GetProperty("commit").GetString() == commit);
    }

    private static string Compact(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object ? JsonSerializer.Serialize(element) : element.ToString();
}
