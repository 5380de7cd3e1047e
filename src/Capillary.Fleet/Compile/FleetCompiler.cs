using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;

namespace Capillary.Fleet.Compile;

/// <summary>Calls <paramref name="body"/> once for each number from 0 to <paramref name="count"/> - 1, in any order, on any
/// threads.</summary>
public delegate void ForEachIndex(int count, Action<int> body);

/// <summary>
/// Commit -> bundles. Pure, and the same to the bit on every machine, in any order of files, on any number of threads: the caller brings
/// the loop, so that a hub can run it in parallel and a simulation on one thread.
/// </summary>
public static class FleetCompiler
{
    /// <summary>The loop of a caller without threads.</summary>
    public static void Sequential(int count, Action<int> body)
    {
        for (var index = 0; index < count; index++) body(index);
    }

    /// <summary>Compiles a tree. Never throws for what stands in it; cancelling throws <see cref="OperationCanceledException"/>.</summary>
    /// <param name="tree">The files of the commit.</param>
    /// <param name="previous">An earlier compilation to take over from, or null.</param>
    /// <param name="loop">Runs independent work, such as <see cref="Sequential"/>.</param>
    /// <param name="stop">Cancels between two sites and within a long render.</param>
    public static FleetCompilation Compile(FleetTree tree, FleetCompilation? previous, ForEachIndex loop, CancellationToken stop)
    {
        var problems = new List<Diagnostic>(tree.Problems);
        var files = Parse(tree, previous, loop, stop);
        foreach (var file in files.Where(file => file.Diagnostics.Count > 0)) problems.AddRange(file.Diagnostics);
        CheckRoot(tree, problems);
        var inventory = InventoryBuilder.Build(files, previous?.Inventory, problems);
        var byPath = files.ToDictionary(file => file.Path, StringComparer.Ordinal);
        if (inventory is null)
            return new FleetCompilation(DiagnosticList.From(problems), null, [], byPath, new Dictionary<string, AppProgram>());
        var programs = Programs(tree, inventory, previous, problems);
        var results = Sites(inventory, programs, previous, loop, stop);
        problems.AddRange(SiteProblem.Group(
            results.SelectMany(result => result.Problems.Select(problem => (result.Source.Name, problem)))));
        foreach (var program in programs.Values) program.Trim(results.Length);
        return new FleetCompilation(DiagnosticList.From(problems), inventory, results, byPath, programs);
    }

    private static ParsedFile[] Parse(FleetTree tree, FleetCompilation? previous, ForEachIndex loop, CancellationToken stop)
    {
        var documents = tree.Files.Where(file => file.Digest is null && FleetLayout.TemplateOf(file.Path) is null).ToList();
        var parsed = new ParsedFile[documents.Count];
        var todo = new List<int>();
        for (var index = 0; index < documents.Count; index++)
        {
            if (previous is not null && previous.Files.TryGetValue(documents[index].Path, out var old) && old.Id == documents[index].Id)
                parsed[index] = old;
            else
                todo.Add(index);
        }
        loop(todo.Count, index =>
        {
            stop.ThrowIfCancellationRequested();
            parsed[todo[index]] = DocumentParser.Parse(documents[todo[index]]);
        });
        return parsed;
    }

    private static void CheckRoot(FleetTree tree, List<Diagnostic> problems)
    {
        if (tree.Find(FleetLayout.FleetFile) is not null || problems.Exists(problem => problem.File is "" or FleetLayout.FleetFile)) return;
        var (code, message) = tree.Files.Count == 0
            ? (DiagnosticCodes.EmptyRepository,
                "nothing here belongs to a fleet: there is no fleet.yaml, and no folder regions, sites, groups, apps, rollouts or health")
            : (DiagnosticCodes.FleetFileMissing, "fleet.yaml is missing");
        problems.Add(Diagnostic.Error(code, tree.Files.Count == 0 ? "" : FleetLayout.FleetFile, TextPosition.WholeFile, message,
            "fleet.yaml holds apiVersion: capillary.dev/v1, kind: Fleet, metadata.name and spec.regions"));
    }

    private static Dictionary<string, AppProgram> Programs(FleetTree tree, FleetInventory inventory, FleetCompilation? previous,
        List<Diagnostic> problems)
    {
        var templates = tree.Files.Select(file => (File: file, FleetLayout.TemplateOf(file.Path)?.App)).Where(item => item.App is not null)
            .ToLookup(item => item.App!, item => item.File, StringComparer.Ordinal);
        var programs = new Dictionary<string, AppProgram>(StringComparer.Ordinal);
        foreach (var app in inventory.Apps)
        {
            var program = AppProgram.Create(app, [.. templates[app.Name]], tree, inventory.HealthRules,
                previous?.Programs.GetValueOrDefault(app.Name));
            programs.Add(app.Name, program);
            problems.AddRange(program.Diagnostics);
        }
        foreach (var lost in templates.Where(group => tree.Find($"apps/{group.Key}/app.yaml") is null))
        {
            problems.Add(Diagnostic.Error(DiagnosticCodes.Misplaced, lost.First().Path, TextPosition.WholeFile,
                $"the folder apps/{lost.Key} has templates but no app.yaml", $"add apps/{lost.Key}/app.yaml"));
        }
        return programs;
    }

    private static SiteResult[] Sites(FleetInventory inventory, Dictionary<string, AppProgram> programs, FleetCompilation? previous,
        ForEachIndex loop, CancellationToken stop)
    {
        var before = previous?.Results.ToDictionary(result => result.Source.Name, StringComparer.Ordinal);
        var sameRules = previous?.Inventory is { } old && ReferenceEquals(old.Fleet, inventory.Fleet)
            && programs.Count == previous.Programs.Count
            && programs.All(pair => ReferenceEquals(pair.Value, previous.Programs.GetValueOrDefault(pair.Key)));
        var results = new SiteResult[inventory.Sites.Count];
        loop(results.Length, index =>
        {
            stop.ThrowIfCancellationRequested();
            var site = inventory.Sites[index];
            var last = before?.GetValueOrDefault(site.Name);
            results[index] = sameRules && last is not null && ReferenceEquals(last.Source, site)
                ? last
                : SiteCompiler.Compile(inventory.Fleet, site, programs, last, stop);
        });
        return results;
    }
}
