using System.Text;
using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Carry;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Carry;

/// <summary>A site that never has a link lives from a stick; each mistake with it is one clear sentence and changes nothing.</summary>
public sealed class StickTests : IAsyncLifetime
{
    private readonly StickFleet fleet = new();

    public async Task InitializeAsync()
    {
        fleet.Join("a");
        fleet.Join("b");
        await fleet.CommitAsync("c1", "one", "a", "b");
    }

    [Fact]
    public async Task Promise2_A_site_without_a_link_is_updated_twice_by_stick_and_the_hub_knows()
    {
        await fleet.StartAsync("a");
        await UpdateAsync("one", generation: 1);
        Assert.Equal("offline", (await SiteAsync()).GetProperty("state").GetString());
        Assert.Equal(JsonValueKind.Null, (await SiteAsync()).GetProperty("ageSeconds").ValueKind);
        await fleet.CommitAsync("c2", "two", "a", "b");
        Assert.NotEqual(Desired(await SiteAsync()), (await SiteAsync()).GetProperty("bundle").GetString());
        var exported = await fleet.JsonAsync("site", "export", "a", "--to", fleet.Stick);
        // The large blob did not change, and the receipt says that the site has it.
        Assert.True(exported.GetProperty("skippedBlobs").GetInt32() > 0);
        Assert.True(exported.GetProperty("bytes").GetInt64() < 300_000);
        await UpdateAsync("two", generation: 2);
        // What the receipt said was healthy is what the next line falls back to.
        await fleet.CommitAsync("c3", "three", "a", "b");
        var line = fleet.Hub.Cell.Value.Lines[new SiteId("a")].Assignment;
        Assert.Equal((await SiteAsync()).GetProperty("bundle").GetString(), line.Fallback?.Text);
        Assert.Equal(0, (await fleet.CliAsync("journal", "list")).Code);
    }

    [Fact]
    public async Task Promise1_An_old_stick_is_older_than_what_the_site_has_and_the_same_one_is_harmless()
    {
        await fleet.StartAsync("a");
        var old = Directory.CreateDirectory(fleet.Of("old")).FullName;
        await fleet.ExportAsync("a", old);
        await fleet.CommitAsync("c2", "two", "a", "b");
        await fleet.ExportAsync("a");
        Assert.Equal(0, (await fleet.ImportAsync("a")).Code);
        var accepted = File.ReadAllText(Path.Combine(fleet.HomeOf("a"), "accepted.json"));
        var (code, _, error) = await fleet.ImportAsync("a", old);
        Assert.Equal(1, code);
        Assert.Contains("this stick is older than what this site has", error, StringComparison.Ordinal);
        var (again, _, told) = await fleet.ImportAsync("a");
        Assert.Equal(0, again);
        Assert.Contains("this site had generation 2 already; nothing changed", told, StringComparison.Ordinal);
        Assert.Equal(accepted, File.ReadAllText(Path.Combine(fleet.HomeOf("a"), "accepted.json")));
        Assert.Equal("two", File.ReadAllText(fleet.RootFile("a", "etc/notice")));
    }

    [Fact]
    public async Task Promise8_Another_sites_stick_and_another_fleets_are_named_and_change_nothing()
    {
        await fleet.ExportAsync("b");
        await RefusedAsync("is for site b; this is site a of fleet labs");
        await using var wards = new StickFleet("wards");
        wards.Join("a");
        await wards.CommitAsync("c1", "evil", "a");
        await wards.ExportAsync("a");
        await RefusedAsync("is for site a of fleet wards; this is site a of fleet labs", wards.Stick);
    }

    [Fact]
    public async Task Promise8_A_stick_that_was_pulled_mid_copy_is_unfinished()
    {
        var carry = await fleet.ExportAsync("a");
        var blob = Directory.EnumerateFiles(carry, "blob-*").OrderByDescending(file => new FileInfo(file).Length).First();
        var whole = await File.ReadAllBytesAsync(blob);
        await File.WriteAllBytesAsync(blob, whole[..100_000]);
        await RefusedAsync("has 100000 bytes of");
        File.Delete(blob);
        await RefusedAsync($"{blob}: is missing; the stick was pulled");
        File.Delete(Path.Combine(carry, CarryManifest.FileName));
        await RefusedAsync("is unfinished: the stick was pulled while it was written");
        // An export that did not end has a name of its own, and the next one removes it.
        var part = Path.Combine(fleet.Stick, ".a-1.part");
        Directory.Move(carry, part);
        await RefusedAsync("is unfinished: the stick was pulled while it was written");
        await fleet.ExportAsync("a");
        Assert.False(Directory.Exists(part));
        await fleet.StartAsync("a");
        Assert.Equal(0, (await fleet.ImportAsync("a")).Code);
    }

    [Fact]
    public async Task Promise8_A_worn_stick_and_a_wrong_sealing_are_told_apart()
    {
        var carry = await fleet.ExportAsync("a");
        var proof = Path.Combine(carry, CarryManifest.ProofFile);
        var bytes = await File.ReadAllBytesAsync(proof);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(proof, bytes);
        await RefusedAsync("it was changed since it was written");
        // A new machine under the old name has other keys: what was sealed before is not for it.
        await fleet.ExportAsync("a");
        File.Delete(Path.Combine(fleet.HomeOf("a"), "sealing.pem"));
        fleet.Join("a");
        await RefusedAsync("is sealed to a key that this site does not have");
    }

    [Fact]
    public async Task Promise8_What_was_sealed_by_somebody_else_is_not_believed()
    {
        await using var evil = new StickFleet();
        evil.Join("a");
        await evil.CommitAsync("c1", "evil", "a");
        // Anyone who knows the site's public key can seal to it.
        var record = evil.Hub.Cell.Value.Records[new NodeName("a")];
        using var key = SealingKey.Load(Path.Combine(fleet.HomeOf("a"), "sealing.pem"));
        var changed = record.Record with { SealingKey = key.Public };
        evil.Hub.Cell.Update(state => state with { Records = state.Records.SetItem(changed.Node, record with { Record = changed }) });
        await evil.ExportAsync("a");
        await RefusedAsync("its signatures do not hold here", evil.Stick);
    }

    [Fact]
    public async Task Promise8_A_machine_whose_site_was_given_away_takes_nothing()
    {
        using (var identity = SigningKey.Create())
        {
            var record = fleet.Hub.Cell.Value.Records[new NodeName("a")].Record with { IdentityKey = identity.Public, Version = 9 };
            var envelope = fleet.Hub.Keys.Release.Sign(PayloadTypes.Record, record.ToPayload());
            fleet.Hub.Cell.Update(state => state with { Records = state.Records.SetItem(record.Node, new(record, envelope)) });
        }
        await fleet.ExportAsync("a");
        await RefusedAsync("this machine is not the site any more");
    }

    [Fact]
    public async Task Promise2_What_is_imported_while_the_agent_is_down_is_taken_when_it_starts()
    {
        await fleet.ExportAsync("a");
        var (code, output, _) = await fleet.ImportAsync("a", isWaiting: false);
        Assert.Equal(0, code);
        Assert.Contains("it takes generation 1 when it starts", output, StringComparison.Ordinal);
        await fleet.StartAsync("a");
        await fleet.UntilAsync("the file", () => File.Exists(fleet.RootFile("a", "etc/notice")));
        await fleet.UntilAsync("an empty place", () => !Directory.Exists(Path.Combine(fleet.HomeOf("a"), "incoming", "ready")));
    }

    [Fact]
    public async Task Promise1_The_agent_believes_nothing_that_was_left_for_it()
    {
        await fleet.ExportAsync("a");
        await fleet.ImportAsync("a", isWaiting: false);
        var proof = Path.Combine(fleet.HomeOf("a"), "incoming", "ready", "proof.json");
        var read = CarryProof.Read(proof);
        var leaf = Encoding.UTF8.GetString(read.Line.Leaf).Replace("\"since\":1", "\"since\":2", StringComparison.Ordinal);
        await File.WriteAllBytesAsync(proof, (read with { Line = read.Line with { Leaf = Encoding.UTF8.GetBytes(leaf) } }).ToBytes());
        await fleet.StartAsync("a");
        var refused = Path.Combine(fleet.HomeOf("a"), "incoming", "refused.txt");
        await fleet.UntilAsync("the refusal", () => File.Exists(refused));
        Assert.Contains("the proof does not lead to the root", File.ReadAllText(refused), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(fleet.HomeOf("a"), "accepted.json")));
    }

    [Fact]
    public async Task A_blob_that_was_left_out_and_is_not_there_needs_a_full_export()
    {
        await fleet.StartAsync("a");
        await UpdateAsync("one", generation: 1);
        await fleet.CommitAsync("c2", "two", "a", "b");
        await fleet.EndAsync("a");
        Directory.Delete(Path.Combine(fleet.HomeOf("a"), "blobs"), recursive: true);
        await fleet.ExportAsync("a");
        await RefusedAsync("export again with --full");
        await fleet.ExportAsync("a", null, "--full");
        await fleet.StartAsync("a");
        Assert.Equal(0, (await fleet.ImportAsync("a")).Code);
    }

    [Fact]
    public async Task A_carry_tells_a_thief_sizes_and_names_and_nothing_else()
    {
        var carry = await fleet.ExportAsync("a");
        var line = fleet.Hub.Cell.Value.Lines[new SiteId("a")];
        foreach (var file in Directory.EnumerateFiles(carry))
        {
            var text = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file));
            foreach (var secret in (string[])["one", "etc/notice", line.Assignment.Bundle.Hex, "payload"])
                Assert.False(text.Contains(secret, StringComparison.Ordinal) && Path.GetFileName(file) != "carry.json", $"{file}: {secret}");
            if (Path.GetFileName(file) == "carry.json") Assert.DoesNotContain(line.Assignment.Bundle.Hex, text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("no such folder; is the stick mounted?", "import", "/nowhere")]
    [InlineData("'import' needs DIR", "import")]
    [InlineData("'receipts' needs DIR", "receipts")]
    [InlineData("--minutes is 1 to 1440", "import", "x", "--minutes", "0")]
    public async Task A_wrong_command_is_one_line(string text, params string[] command)
    {
        var (code, output, error) = await fleet.EdgeAsync([.. command, "--data", fleet.HomeOf("a")]);
        Assert.NotEqual(0, code);
        Assert.Equal("", output);
        Assert.Contains(text, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    private static string? Desired(JsonElement site) => site.GetProperty("desired").GetProperty("bundle").GetString();

    private async Task<JsonElement> SiteAsync() => (await fleet.JsonAsync("site", "show", "a")).GetProperty("summary");

    /// <summary>There with the stick, and back with the receipt.</summary>
    private async Task UpdateAsync(string text, long generation)
    {
        await fleet.ExportAsync("a");
        var (code, output, error) = await fleet.ImportAsync("a");
        Assert.True(code == 0, error);
        Assert.Contains($"healthy on generation {generation}", output, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(fleet.RootFile("a", "etc/notice")));
        Assert.Equal("taken", Assert.Single((await fleet.JsonAsync("site", "receive", fleet.Stick)).EnumerateArray()).GetProperty("result").GetString());
        Assert.Equal("known", Assert.Single((await fleet.JsonAsync("site", "receive", fleet.Stick)).EnumerateArray()).GetProperty("result").GetString());
        var site = await SiteAsync();
        Assert.Equal(Desired(site), site.GetProperty("bundle").GetString());
        Assert.Equal(generation, site.GetProperty("generation").GetInt64());
        Assert.Equal(JsonValueKind.String, site.GetProperty("carriedAt").ValueKind);
    }

    /// <summary>The import fails with one sentence, and neither the agent nor the site's files see anything of it.</summary>
    private async Task RefusedAsync(string says, string? stick = null)
    {
        var (code, output, error) = await fleet.ImportAsync("a", stick);
        Assert.Equal((1, ""), (code, output));
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Equal(["lock"], Directory.EnumerateFileSystemEntries(Path.Combine(fleet.HomeOf("a"), "incoming")).Select(Path.GetFileName));
    }

    public async Task DisposeAsync() => await fleet.DisposeAsync();
}
