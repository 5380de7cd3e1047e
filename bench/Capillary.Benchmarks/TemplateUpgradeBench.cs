using System.CommandLine;
using System.Diagnostics;
using System.Text;
using Capillary.Cli;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;
using Capillary.HubNode.Git;

namespace Capillary.Benchmarks;

/// <summary>
/// Upgrades of instances: every file of the template changes, the worst there is. Side by side with <c>git merge-file</c> on the same files.
/// </summary>
internal static class TemplateUpgradeBench
{
    private const int Files = 100;
    private const int Lines = 40;
    private const int Instances = 1000;
    private const int Many = 2500;

    /// <summary>Until the code is compiled for good, in the background.</summary>
    private const int WarmUp = 1500;

    public static async IAsyncEnumerable<Row> Run()
    {
        var (before, after) = (Source(Files, "old"), Source(Files, "new"));
        var here = Made(before, "site-1").ToDictionary(item => item.Key, item => InstanceFiles.IsState(item.Key) ? item.Value : Edited(item.Value, "mine"));
        // Skip() over a Select() of a range would not run what it skips.
        for (var i = 0; i < WarmUp; i++) Upgrade(before, after, "site-1", here);
        var one = Benchmark.Median(Enumerable.Range(0, 51).Select(_ => Upgrade(before, after, "site-1", here)));
        yield return new Row($"three-way upgrade, {Files} files of {Lines} lines, all changed here and there: renders, merges, one thread", one, "ms", 5);
        yield return new Row($"git merge-file on the same {Files} files, a process each (merges only)", GitMerge(before, after, here), "ms", null);
        var (big, bigger) = (Source(Many, "old"), Source(Many, "new"));
        var made = Made(big, "site-1").ToDictionary(item => item.Key, item => item.Value);
        yield return new Row($"three-way upgrade, a template of {Many:#,0} files", Benchmark.Median(Enumerable.Range(0, 5).Select(_ => Upgrade(big, bigger, "site-1", made))), "ms", null);
        var folder = Directory.CreateTempSubdirectory("capillary-bench-");
        try
        {
            var fleet = await FleetAsync(folder.FullName);
            var output = new StringWriter();
            var clock = Stopwatch.StartNew();
            await CommandRun.InvokeAsync(new RootCommand { TemplateCommand.Create() }, ["template", "upgrade", fleet, "--all", "--to", "1.1", "--dry-run"],
                new InvocationConfiguration { Output = output, Error = Console.Error });
            var seconds = clock.Elapsed.TotalSeconds;
            var summary = output.ToString().TrimEnd().Split('\n')[^1];
            yield return new Row($"dry run over {Instances:#,0} instances x {Files} files in Git ({summary})", seconds, "s", 15);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Dictionary<string, MergeFile> Template(int files, string word)
    {
        var tree = new Dictionary<string, MergeFile>
        {
            ["template.yaml"] = Text("apiVersion: capillary.dev/v1\nkind: Template\nmetadata: {name: bench}\nspec:\n  variables:\n    site: {type: string}\n    port: {type: integer, default: 80}\n"),
        };
        for (var i = 0; i < files; i++)
        {
            var lines = Enumerable.Range(0, Lines).Select(line => line switch
            {
                3 => "name: {{ site }}",
                7 => "port: {{ port + 1 }}",
                25 => $"word: {word}",
                _ => $"  key{line}: value {i * line}",
            });
            tree[$"template/d{i % 10}/file-{i}.yaml"] = Text(string.Join('\n', lines) + "\n");
        }
        return tree;
    }

    private static TemplateSource Source(int files, string word) =>
        TemplateSource.Read(Template(files, word)).Source ?? throw new InvalidOperationException("the template is wrong");

    private static InstanceState State(string site, string commit) => new(TemplateForm.Capillary, new TemplateOrigin("template", "1.0", commit), TemplateValues.Parse($"site={site}").Values);

    private static IReadOnlyDictionary<string, MergeFile> Made(TemplateSource source, string site, string commit = "0123456789012345678901234567890123456789") =>
        NewInstance.Of(source, State(site, commit), CancellationToken.None).Files;

    private static MergeFile Edited(MergeFile file, string word) => Text(Encoding.UTF8.GetString(file.Bytes.Span).Replace("  key12:", $"  {word}12:", StringComparison.Ordinal));

    private static double Upgrade(TemplateSource before, TemplateSource after, string site, Dictionary<string, MergeFile> here)
    {
        var state = State(site, "0123456789012345678901234567890123456789");
        // A listing comes with Git's ids; making them is not the upgrade's work.
        var entries = here.ToDictionary(item => item.Key, item => new MergeEntry(item.Value.Kind, item.Value.Id));
        var start = Stopwatch.GetTimestamp();
        var upgrade = TemplateUpgrade.Begin(new UpgradeRequest(state, before, after, state.Origin with { Version = "1.1" }, TemplateValues.None), entries, CancellationToken.None);
        var plan = upgrade.Finish(path => here[path].Bytes, _ => null);
        var time = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        if (!plan.IsReady || plan.Changes.Count != here.Count) throw new InvalidOperationException($"{plan.Conflicts.Count} conflicts, {plan.Changes.Count} changes");
        return time;
    }

    private static double GitMerge(TemplateSource before, TemplateSource after, Dictionary<string, MergeFile> here)
    {
        var folder = Directory.CreateTempSubdirectory("capillary-bench-");
        try
        {
            var (old, theirs) = (Made(before, "site-1"), Made(after, "site-1"));
            var names = here.Keys.Where(path => !InstanceFiles.IsState(path)).ToList();
            foreach (var (side, files) in new[] { ("base", old), ("theirs", theirs), ("ours", (IReadOnlyDictionary<string, MergeFile>)here) })
            {
                foreach (var path in names)
                {
                    var file = Path.Combine(folder.FullName, side, path);
                    Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                    File.WriteAllBytes(file, files[path].Bytes.Span);
                }
            }
            var start = Stopwatch.GetTimestamp();
            foreach (var path in names)
            {
                using var git = Process.Start(new ProcessStartInfo("git", ["merge-file", "-p", $"ours/{path}", $"base/{path}", $"theirs/{path}"])
                {
                    WorkingDirectory = folder.FullName, RedirectStandardOutput = true,
                })!;
                git.StandardOutput.ReadToEnd();
                git.WaitForExit();
                if (git.ExitCode != 0) throw new InvalidOperationException($"git merge-file ended with {git.ExitCode}");
            }
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>A template repository with two releases, and a bare fleet repository: 943 untouched, 50 that took the change by hand in one
    /// file, 7 that changed the same line in another way.</summary>
    private static async Task<string> FleetAsync(string folder)
    {
        const string Who = "Ada <ada@example.org> 1700000000 +0000";
        var (templates, fleet) = (Path.Combine(folder, "template"), Path.Combine(folder, "fleet.git"));
        foreach (var path in (string[])[templates, fleet])
        {
            Directory.CreateDirectory(path);
            Git(path, "init", "--quiet", "--bare", "-b", "main", ".");
        }
        var store = new GitStore(templates);
        foreach (var (word, tag) in new[] { ("old", "1.0"), ("new", "1.1") })
        {
            var parent = await store.ResolveAsync("refs/heads/main", CancellationToken.None);
            if (await store.CommitAsync([new GitChange("refs/heads/main", parent, Who, tag, Template(Files, word).ToDictionary(item => item.Key, item => (MergeFile?)item.Value))],
                CancellationToken.None) is { } failure) throw new InvalidOperationException(failure);
            Git(templates, "tag", tag, "main");
        }
        var commit = await store.ResolveAsync("1.0", CancellationToken.None);
        var source = Source(Files, "old");
        var all = new Dictionary<string, MergeFile?>();
        for (var i = 0; i < Instances; i++)
        {
            var state = new InstanceState(TemplateForm.Capillary, new TemplateOrigin(templates, "1.0", commit!), TemplateValues.Parse($"site=site-{i}").Values);
            foreach (var (path, file) in NewInstance.Of(source, state, CancellationToken.None).Files)
            {
                var word = path != "d1/file-1.yaml" || i < 943 ? "old" : i < 993 ? "new" : "other";
                all[$"sites/site-{i:0000}/{path}"] = word == "old" ? file : Text(Encoding.UTF8.GetString(file.Bytes.Span).Replace("word: old", $"word: {word}", StringComparison.Ordinal));
            }
        }
        if (await new GitStore(fleet).CommitAsync([new GitChange("refs/heads/main", null, Who, "all", all)], CancellationToken.None) is { } error)
            throw new InvalidOperationException(error);
        return fleet;
    }

    private static void Git(string folder, params string[] arguments)
    {
        using var git = Process.Start(new ProcessStartInfo("git", arguments) { WorkingDirectory = folder })!;
        git.WaitForExit();
    }

    private static MergeFile Text(string text) => MergeFile.Plain(Encoding.UTF8.GetBytes(text));
}
