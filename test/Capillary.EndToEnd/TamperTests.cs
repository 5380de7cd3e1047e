using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>Somebody, or a rotten disk, changes what a region or a site keeps.</summary>
public sealed class TamperTests(SharedFleet shared, ITestOutputHelper output) : FleetTest(shared, output)
{
    private const string Region = "eu-central";
    private const string Laboratory = "freiburg-lab-1";

    [Fact]
    public async Task Promise1_DamagedLinesAndRecords_AreRefusedNamedAndReplaced()
    {
        var before = await PictureAsync();
        var log = LogEnd(Region);
        await Fleet.KillAsync(Region);
        var proof = Flip(Mirrored("lines", Poct), json => json["line"]!["path"]![0]!);
        var checkpoint = Flip(Mirrored("lines", Canary), json => json["checkpoint"]!["payload"]!);
        var leaf = Flip(Mirrored("lines", Laboratory), json => json["line"]!["leaf"]!);
        var record = Flip(Mirrored("records", Laboratory), json => json["payload"]!);
        Fleet.StartRegion(Region);
        await WaitAsync("the region to name every damaged file", () => ((string[])[proof, checkpoint, leaf, record])
            .All(file => LogSince(Region, log).Contains($"{file} is damaged", StringComparison.Ordinal)));
        await WaitAsync("the region to have them again", () => ((string[])[proof, checkpoint, leaf, record]).All(File.Exists));
        await Fleet.ConvergeAsync(await Repository.HeadAsync(Stop), Deadline, Stop);
        Assert.Equal(before, await PictureAsync());
        foreach (var line in LogSince(Region, log).Split('\n').Where(line => line.Contains("damaged", StringComparison.Ordinal))) Say(line);
        Repository.Edit("fleet.yaml", text => text.Replace("result_retention_days: 30", "result_retention_days: 31"));
        await CommitAndConvergeAsync("after the damage");
    }

    [Fact]
    public async Task Promise1_DamagedBlobsOfARegion_AreNotApplied_AndAreFetchedAnew()
    {
        await Fleet.StopAsync(Poct);
        var (log, siteLog) = (LogEnd(Region), LogEnd(Poct));
        Repository.Edit("groups/point-of-care.yaml", text => text.Replace("preliminary", "provisional"));
        var commit = await Repository.CommitAsync("its blobs will rot in the region", Stop);
        await WaitAsync("the hub to want the commit of the site", async () => await DesiredCommitAsync() == commit);
        var bundle = (await RowsAsync())[Poct].GetProperty("desired").GetProperty("bundle").GetString()!;
        await WaitAsync("the region to have the bundle", () => BlobsOf(bundle).All(File.Exists) && BlobsOf(bundle).Count > 1);
        await Fleet.KillAsync(Region);
        var rotten = BlobsOf(bundle);
        foreach (var blob in rotten.Skip(1)) FlipByte(blob);
        Fleet.StartRegion(Region);
        Fleet.StartSite(Poct);
        await Fleet.ConvergeAsync(commit, Deadline, Stop);
        foreach (var blob in rotten.Skip(1))
            Assert.Contains($"sha256:{Path.GetFileName(blob)} is damaged", LogSince(Region, log), StringComparison.Ordinal);
        Assert.Contains("the bytes differ from the digest", LogSince(Poct, siteLog), StringComparison.Ordinal);
        Assert.Contains("provisional", await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")), StringComparison.Ordinal);
    }

    /// <summary>
    /// A site whose disk was restored knows no better than its disk, so it may accept an older line again. It was signed for this site, and
    /// what runs does not go back: apply keeps its own number. The hub shows the site as not there yet, and the next line ends it.
    /// </summary>
    [Fact]
    public async Task Promise1_ReplayedLineAndRestoredAcceptance_DoNotBringAnOlderBundleBack()
    {
        var (accepted, mirrored) = (Path.Combine(Fleet.HomeOf(Poct), "accepted.json"), Mirrored("lines", Poct));
        var (oldAccepted, oldLine) = (await File.ReadAllBytesAsync(accepted), await File.ReadAllBytesAsync(mirrored));
        Repository.Edit("groups/point-of-care.yaml", text => text.Replace("preliminary", "provisional"));
        await CommitAndConvergeAsync("the newer state");
        var newest = await File.ReadAllBytesAsync(accepted);

        // The region alone replays: the site says what it has and is sent nothing older.
        await Fleet.KillAsync(Region);
        await File.WriteAllBytesAsync(mirrored, oldLine);
        var log = LogEnd(Poct);
        Fleet.StartRegion(Region);
        await WaitForLinkAsync(log);
        Assert.Equal(newest, await File.ReadAllBytesAsync(accepted));

        // The site's memory is older, too.
        await Fleet.KillAsync(Poct);
        await File.WriteAllBytesAsync(accepted, oldAccepted);
        log = LogEnd(Poct);
        Fleet.StartSite(Poct);
        await WaitForLinkAsync(log);
        await WaitAsync("the hub to see that the site is not there", async () =>
            (await RowsAsync())[Poct].GetProperty("state").GetString() != "healthy");
        Say((await RowsAsync())[Poct].ToString());
        Assert.Contains("provisional", await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")), StringComparison.Ordinal);

        Repository.Edit("groups/point-of-care.yaml", text => text.Replace("provisional", "not final"));
        await CommitAndConvergeAsync("a line newer than all of them");
        Assert.Contains("not final", await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")), StringComparison.Ordinal);
    }

    private async Task<string?> DesiredCommitAsync() => (await RowsAsync())[Poct].GetProperty("desired").GetProperty("commit").GetString();

    private string Mirrored(string kind, string node) => Path.Combine(Fleet.HomeOf(Region), "mirror", kind, $"{node}.json");

    private string BlobPath(string digest, string node = Region) =>
        Path.Combine(Fleet.HomeOf(node), "blobs", "sha256", digest[7..9], digest[7..]);

    private Task WaitForLinkAsync(long log) => WaitAsync("the site to be live again", () =>
        LogSince(Poct, log).Contains($"link to {Region} is live", StringComparison.Ordinal));

    /// <summary>The manifest's file, then those layers' that only this bundle has; only the manifest while that is not there.</summary>
    private List<string> BlobsOf(string bundle)
    {
        var files = new List<string> { BlobPath(bundle) };
        if (!File.Exists(files[0])) return files;
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(files[0]));
        files.AddRange(manifest.RootElement.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("digest").GetString()!)
            .Where(digest => !File.Exists(BlobPath(digest, Poct))).Select(digest => BlobPath(digest)));
        return files;
    }

    /// <summary>Flips one bit inside a base64 text of a JSON file; the file.</summary>
    private static string Flip(string file, Func<JsonNode, JsonNode> part)
    {
        var json = JsonNode.Parse(File.ReadAllBytes(file))!;
        var node = part(json);
        var bytes = Convert.FromBase64String(node.GetValue<string>());
        bytes[bytes.Length / 2] ^= 1;
        node.ReplaceWith(Convert.ToBase64String(bytes));
        File.WriteAllText(file, json.ToJsonString());
        return file;
    }

    private static void FlipByte(string file)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
    }
}
