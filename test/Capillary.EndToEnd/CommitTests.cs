using System.Text;
using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>What people and Git can do wrong: shown clearly, and nothing changes anywhere.</summary>
public sealed class CommitTests(SharedFleet shared, ITestOutputHelper output) : FleetTest(shared, output)
{
    private sealed record Broken(string What, string Code, string File, bool HasPlace, Action<string> Break);

    private static readonly Broken[] All =
    [
        new("a file that is not UTF-8", "CAP0007", "groups/point-of-care.yaml", false, folder =>
            File.AppendAllBytes(Path.Combine(folder, "groups/point-of-care.yaml"), [0xff, 0xfe, (byte)'\n'])),
        new("a link out of the tree", "CAP0003", "apps/site-notice/templates/passwd.txt.j2", false, folder =>
            File.CreateSymbolicLink(Path.Combine(folder, "apps/site-notice/templates/passwd.txt.j2"), "/etc/passwd")),
        new("a YAML bomb", "CAP0104", "groups/bomb.yaml", true, folder =>
            File.WriteAllText(Path.Combine(folder, "groups/bomb.yaml"), Bomb())),
        new("an unknown key", "CAP0203", "sites/eu-central/lyon-poct-2.yaml", true, folder =>
            Replace(folder, "sites/eu-central/lyon-poct-2.yaml", "  variables:", "  variabels:")),
        new("a template with a typing error", "CAP0503", "apps/site-notice/templates/notice.txt.j2", true, folder =>
            Replace(folder, "apps/site-notice/templates/notice.txt.j2", "vars.banner", "vars.baner")),
    ];

    [Fact]
    public async Task Promise8_EachBrokenCommit_IsShownWithItsPlace_AndChangesNothing()
    {
        var before = await PictureAsync();
        var good = await Repository.HeadAsync(Stop);
        foreach (var broken in All)
        {
            await Repository.GitAsync(Stop, "read-tree", "--reset", "-u", good);
            broken.Break(Repository.Folder);
            var commit = await Repository.CommitAsync(broken.What, Stop);
            var failed = await FailedAsync(commit);
            var found = failed.GetProperty("diagnostics").EnumerateArray().FirstOrDefault(item =>
                item.GetProperty("code").GetString() == broken.Code && item.GetProperty("file").GetString() == broken.File);
            Assert.True(found.ValueKind == JsonValueKind.Object, $"{broken.What}: no {broken.Code} of {broken.File} in {failed}");
            if (broken.HasPlace) Assert.True(found.GetProperty("line").GetInt32() > 0 && found.GetProperty("column").GetInt32() > 0);
            var place = broken.HasPlace ? $"{broken.File}:{found.GetProperty("line")}:{found.GetProperty("column")}: " : broken.File;
            var text = await CliAsync("status");
            Assert.Contains(place, text, StringComparison.Ordinal);
            Assert.Contains(broken.Code, text, StringComparison.Ordinal);
            Say(found.ToString());
            Assert.Equal(before, await PictureAsync());
        }
        await Repository.GitAsync(Stop, "read-tree", "--reset", "-u", good);
        Repository.Edit("groups/point-of-care.yaml", text => text.Replace("preliminary", "provisional"));
        await CommitAndConvergeAsync("a good commit after the broken ones");
        Assert.DoesNotContain(await HubConditionsAsync(), condition => condition.Code == "CommitFailed");
        Assert.Contains("provisional", await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RewrittenBranch_IsFollowedAndShown()
    {
        Repository.Edit("groups/point-of-care.yaml", text => text.Replace("preliminary", "provisional"));
        var lost = await CommitAndConvergeAsync("this commit will be rewritten");
        Repository.Edit("groups/point-of-care.yaml", text => text.Replace("provisional", "not final"));
        await Repository.GitAsync(Stop, "reset", "--soft", "HEAD~1");
        var commit = await CommitAndConvergeAsync("the branch was rewritten");
        Assert.Contains("not final", await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")), StringComparison.Ordinal);
        var entries = (await CliJsonAsync("journal", "list")).GetProperty("entries").EnumerateArray();
        Assert.Contains(entries, entry => entry.GetProperty("action").GetString() == "branch.rewritten"
            && entry.GetProperty("before").GetProperty("commit").GetString() == lost
            && entry.GetProperty("after").GetProperty("commit").GetString() == commit);
    }

    [Fact]
    public async Task Promise8_GitVanishes_AndTheHubKeepsEverything()
    {
        var before = await PictureAsync();
        var away = Repository.Folder + ".away";
        Directory.Move(Repository.Folder, away);
        try
        {
            await WaitAsync("the hub to say that Git is gone", async () =>
                (await HubConditionsAsync()).Any(item => item.Code == "GitUnreachable"));
            Say((await HubConditionsAsync()).First(item => item.Code == "GitUnreachable").Text);
            Assert.Equal(before, await PictureAsync());
            Assert.Contains("GitUnreachable", await CliAsync("status"), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Move(away, Repository.Folder);
        }
        Repository.Edit("groups/point-of-care.yaml", text => text.Replace("preliminary", "provisional"));
        await CommitAndConvergeAsync("Git is back");
        Assert.Empty(await HubConditionsAsync());
    }

    private async Task<JsonElement> FailedAsync(string commit)
    {
        JsonElement failed = default;
        await WaitAsync("the hub to show the broken commit", async () =>
            (await StatusAsync()).TryGetProperty("lastFailedCommit", out failed) && failed.ValueKind == JsonValueKind.Object
            && failed.GetProperty("commit").GetString() == commit);
        return failed;
    }

    private static void Replace(string folder, string file, string from, string to)
    {
        var path = Path.Combine(folder, file);
        File.WriteAllText(path, File.ReadAllText(path).Replace(from, to, StringComparison.Ordinal));
    }

    /// <summary>Ten levels of aliases, each ten times the one before.</summary>
    private static string Bomb()
    {
        var text = new StringBuilder("apiVersion: capillary.dev/v1\nkind: Group\nmetadata:\n  name: bomb\n");
        text.Append("spec:\n  selector: {}\n  priority: 1\n  variables:\n");
        text.Append("    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 10; i++) text.Append($"    a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        return text.ToString();
    }
}
