using System.Runtime.Versioning;
using Capillary.Core.Apply;
using Capillary.EdgeAgent.Apply;
using Capillary.EdgeAgent.Apply.Host;
using Capillary.Tests.Core.Apply;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Apply;

[SupportedOSPlatform("linux")]
public sealed class HostFileTests
{
    [Fact]
    public async Task Files_come_with_mode_and_owner_and_go_with_their_folders()
    {
        await using var site = new HostSite();
        Directory.CreateDirectory(site.In("theirs"));
        File.WriteAllText(site.In("theirs/stranger"), "mine");
        site.Start();
        await site.ApplyAsync(site.Bundles.Bundle(
            new TestApp("a").File("secret", "etc/deep/secret", "s", "0600", "app").Rendered("page", "theirs/page", "p.html", "<p>")));
        Assert.Equal("s", File.ReadAllText(site.In("etc/deep/secret")));
        Assert.Equal((UnixFileMode)0x180, File.GetUnixFileMode(site.In("etc/deep/secret")));
        if (HostSite.IsRoot) Assert.Equal(65534u, FileFacts.Look(-100, site.In("etc/deep/secret"), "")!.Value.Raw.User);
        Assert.Equal("<p>", File.ReadAllText(site.In("theirs/page")));
        await site.ApplyAsync(site.Bundles.Bundle());
        await site.UntilAsync(() => !Directory.Exists(site.In(".capillary")));
        Assert.Equal([site.In("theirs"), site.In("theirs/stranger")], Entries(site.Root));
    }

    [Fact]
    public async Task A_foreign_file_is_kept_once_and_comes_back()
    {
        await using var site = new HostSite();
        File.WriteAllText(site.In("app.conf"), "foreign");
        File.WriteAllText(site.In("same.conf"), "same");
        File.SetUnixFileMode(site.In("same.conf"), (UnixFileMode)0x1A4);
        site.Start();
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("a").File("x", "app.conf", "one").File("y", "same.conf", "same")));
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("a").File("x", "app.conf", "two").File("y", "same.conf", "same")));
        Assert.Equal("two", File.ReadAllText(site.In("app.conf")));
        Assert.Equal("foreign", File.ReadAllText(site.In("app.conf.capillary-orig")));
        Assert.False(File.Exists(site.In("same.conf.capillary-orig")));
        await site.ApplyAsync(site.Bundles.Bundle());
        Assert.Equal("foreign", File.ReadAllText(site.In("app.conf")));
        await site.UntilAsync(() => Entries(site.Root).Length == 1);
    }

    [Theory]
    [InlineData("linked/file", "is a link")]
    [InlineData("final", "is a link")]
    [InlineData("/etc/capillary-test", "not below a folder")]
    [InlineData(".capillary/x", "keeps for itself")]
    public async Task What_leads_out_of_the_root_is_refused_and_nothing_is_touched(string path, string reason)
    {
        await using var site = new HostSite();
        var outside = Directory.CreateDirectory($"{site.Folder}/outside").FullName;
        File.WriteAllText($"{outside}/target", "untouched");
        Directory.CreateSymbolicLink(site.In("linked"), outside);
        File.CreateSymbolicLink(site.In("final"), $"{outside}/target");
        site.Start();
        var good = site.Bundles.Bundle(new TestApp("a").File("x", "x", "1"));
        await site.ApplyAsync(good);
        site.Assign(site.Bundles.Bundle(new TestApp("a").File("x", "x", "2").File("y", path, "evil")), good);
        await site.UntilEndAsync(ApplyPhase.Reverted);
        Assert.True(site.Has(ConditionCodes.PathNotAllowed, reason), site.Describe());
        Assert.Equal((good, "1"), (site.Status.Bundle!.Value, File.ReadAllText(site.In("x"))));
        Assert.Equal("untouched", File.ReadAllText($"{outside}/target"));
        Assert.Single(Entries(outside));
    }

    [Fact]
    public async Task A_folder_swapped_for_a_link_at_any_moment_leads_nowhere()
    {
        var folder = Directory.CreateTempSubdirectory("capillary-").FullName;
        Directory.CreateDirectory($"{folder}/root/a");
        Directory.CreateDirectory($"{folder}/outside");
        Directory.CreateSymbolicLink($"{folder}/root/link", $"{folder}/outside");
        using var over = new CancellationTokenSource();
        var swapper = Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
            {
                Libc.RenameAt(-100, $"{folder}/root/a", -100, $"{folder}/root/b");
                Libc.RenameAt(-100, $"{folder}/root/link", -100, $"{folder}/root/a");
                Libc.RenameAt(-100, $"{folder}/root/a", -100, $"{folder}/root/link");
                Libc.RenameAt(-100, $"{folder}/root/b", -100, $"{folder}/root/a");
            }
        });
        var (written, refused) = (0, 0);
        for (var i = 0; i < 3000; i++)
        {
            try
            {
                using var parent = FolderHandle.OpenParent($"{folder}/root", $"{folder}/root/a/file{i}", make: false);
                if (parent is null) continue;
                parent.Create($"file{i}", (Libc.EffectiveUser(), Libc.EffectiveGroup()), 0x1A4, _ => { });
                written++;
            }
            catch (StepException)
            {
                refused++;
            }
        }
        await over.CancelAsync();
        await swapper;
        Assert.Empty(Directory.GetFiles($"{folder}/outside"));
        Assert.True(written > 0, $"{refused} refused");
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Edited_deleted_and_remoded_files_are_back_in_time_and_told()
    {
        await using var site = new HostSite(o => o with { DriftInterval = TimeSpan.FromSeconds(3) });
        site.Start();
        await site.ApplyAsync(site.Bundles.Bundle(
            new TestApp("a").File("x", "etc/x", "1").File("y", "etc/y", "2").File("z", "etc/z", "3")));
        File.WriteAllText(site.In("etc/x"), "by hand");
        File.Delete(site.In("etc/y"));
        File.SetUnixFileMode(site.In("etc/z"), (UnixFileMode)0x1FF);
        await site.UntilAsync(() => site.Status.Conditions.Count(c => c.Code == ConditionCodes.DriftRepaired) == 3, seconds: 10);
        Assert.Equal(("1", "2"), (File.ReadAllText(site.In("etc/x")), File.ReadAllText(site.In("etc/y"))));
        Assert.Equal((UnixFileMode)0x1A4, File.GetUnixFileMode(site.In("etc/z")));
        Assert.True(site.Has(ConditionCodes.DriftRepaired, "etc/y"));
        File.Delete(site.In("etc/x"));
        File.CreateSymbolicLink(site.In("etc/x"), "/etc/hostname");
        await site.UntilAsync(() => new FileInfo(site.In("etc/x")) is { Exists: true, LinkTarget: null }, seconds: 10);
        Assert.Equal("1", File.ReadAllText(site.In("etc/x")));
        Directory.Delete(site.In("etc"), recursive: true);
        await site.UntilAsync(() => File.Exists(site.In("etc/x")) && File.Exists(site.In("etc/z")), seconds: 10);
        File.SetLastWriteTimeUtc(site.In("etc/x"), DateTime.UnixEpoch);
        await site.RestartAsync();
        await site.UntilAsync(() => site.Status.Apps.Length == 1);
        Assert.Equal(ApplyPhase.Healthy, site.Status.Phase);
    }

    [Fact]
    public async Task Promise4_an_artifact_with_other_bytes_changes_nothing()
    {
        await using var site = new HostSite();
        site.Start();
        ReadOnlyMemory<byte> model = new byte[300_000], other = new byte[300_001];
        var digest = site.Bundles.Put(model);
        var good = site.Bundles.Bundle([new TestApp("a").Artifact("m", "model.bin", digest)], [model]);
        await site.ApplyAsync(good);
        Assert.Equal(300_000, new FileInfo(site.In("model.bin")).Length);
        var broken = site.Bundles.Put(other);
        var bad = site.Bundles.Bundle([new TestApp("a").File("new", "new", "n").Artifact("m", "model.bin", broken)], [other]);
        File.AppendAllText(site.Bundles.FileOf(broken), "x");
        site.Assign(bad, good);
        await site.UntilEndAsync(ApplyPhase.Reverted);
        Assert.True(site.Has(ConditionCodes.BundleInvalid, "another digest"), site.Describe());
        Assert.Equal(300_000, new FileInfo(site.In("model.bin")).Length);
        Assert.False(File.Exists(site.In("new")));
    }

    [SmallDiskTheory]
    [InlineData(0)]
    [InlineData(16 << 10)]
    public async Task Promise4_a_full_disk_keeps_the_old_state_and_recovers_when_space_returns(int margin)
    {
        using var folder = new HubNode.TempFolder();
        using var disk = new SmallDisk(folder.Path, "64k");
        await using var site = new HostSite(o => o with { SpaceMargin = margin }, root: folder.Path);
        site.Start();
        var first = site.Bundles.Bundle(new TestApp("a").File("x", "x", "1"));
        await site.ApplyAsync(first);
        File.WriteAllBytes(site.In("hog"), new byte[44 << 10]);
        // With the 4 KiB pages of tmpfs both fit by their size and, without a margin, do not by their pages.
        var second = site.Bundles.Bundle(
            new TestApp("a").File("x", "x", "2").File("p", "p", new string('p', 5000)).File("q", "q", new string('q', 5000)));
        site.Assign(second, first);
        await site.UntilAsync(() => site.Has(ConditionCodes.DiskFull));
        Assert.Equal(first, site.Status.Bundle);
        Assert.Equal("1", File.ReadAllText(site.In("x")));
        Assert.False(File.Exists(site.In("p")));
        File.Delete(site.In("hog"));
        await site.UntilEndAsync(ApplyPhase.Healthy);
        Assert.Equal((second, "2"), (site.Status.Bundle!.Value, File.ReadAllText(site.In("x"))));
        Assert.False(site.Has(ConditionCodes.DiskFull));
    }

    [Fact]
    public async Task Promise2_unreadable_state_is_kept_aside_and_the_site_goes_on()
    {
        await using var site = new HostSite();
        site.Start();
        var bundle = site.Bundles.Bundle(new TestApp("a").File("x", "x", "1"));
        await site.ApplyAsync(bundle);
        await site.StopAsync();
        File.WriteAllText($"{site.Options.StateFolder}/apply.json", "{\"v\":1,");
        await site.RestartAsync();
        await site.ApplyAsync(bundle);
        Assert.True(site.Has(ConditionCodes.StateLost));
        Assert.True(File.Exists($"{site.Options.StateFolder}/apply.json.corrupt"));
        Assert.False(File.Exists(site.In("x.capillary-orig")));
    }

    [Fact]
    public async Task Two_agents_never_share_a_state_folder()
    {
        await using var site = new HostSite();
        site.Start();
        await site.ApplyAsync(site.Bundles.Bundle());
        var second = HostSite.Apply(site.Options, site.Bundles.PathOf, _ => new FetchOutcome.Ready());
        await Assert.ThrowsAsync<IOException>(() => second.RunAsync(CancellationToken.None));
    }

    private static string[] Entries(string folder) =>
        [.. Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
}
