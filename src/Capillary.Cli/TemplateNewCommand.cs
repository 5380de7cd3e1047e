using System.CommandLine;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;
using Capillary.HubNode.Git;

namespace Capillary.Cli;

/// <summary><c>capillary template new REPOSITORY DIR</c>.</summary>
internal static class TemplateNewCommand
{
    public static Command Create()
    {
        var repository = new Argument<string>("REPOSITORY")
        {
            Description = "The template repository: a path, or a URL that git can fetch.",
        };
        var folder = new Argument<string>("DIR") { Description = "The instance's folder; made when it is not there." };
        var version = TemplateUpgradeCommand.VersionOption();
        var values = new Option<string[]>("--values") { Description = "YAML files with values; later ones win.", HelpName = "file" };
        var settings = TemplateSettings.Option();
        var command = new Command("new",
            "Make an instance of a template: render its files into a folder. Overwrites nothing. Without --to: the newest release.")
        {
            repository, folder, version, values, settings,
        };
        command.SetAction((parsed, stop) => TemplateRun.GuardAsync(parsed.InvocationConfiguration, () =>
            RunAsync(parsed.GetValue(repository)!, parsed.GetValue(folder)!, parsed.GetValue(version), parsed.GetValue(values) ?? [],
                parsed.GetValue(settings) ?? [], parsed.InvocationConfiguration, stop)));
        return command;
    }

    private static async Task<int> RunAsync(string repository, string folder, string? version, string[] files, string[] settings,
        InvocationConfiguration io, CancellationToken stop)
    {
        if (File.Exists(folder)) return TemplateRun.Fail(io, $"{folder} is a file, where a folder is needed");
        if (TemplateSettings.Read(files, settings, io.Error) is not { } values) return ExitCode.Failed;
        var library = new TemplateLibrary(io.Error);
        if (await library.OpenAsync(repository, Environment.CurrentDirectory, stop) is not { } template) return ExitCode.Failed;
        if (await template.ResolveAsync(version, stop) is not { } origin) return ExitCode.Failed;
        if (await template.SourceAsync(origin, repository, stop) is not { } source) return ExitCode.Failed;
        origin = origin with { Repository = await NameAsync(repository, folder, stop) };
        var made = NewInstance.Of(source, new InstanceState(TemplateForm.Capillary, origin, values), stop);
        foreach (var problem in made.Problems.Concat(made.Warnings)) io.Error.WriteLine(problem.ToString());
        return made.Problems.Count > 0 ? ExitCode.Failed : Write(folder, made, origin, io);
    }

    private static int Write(string folder, NewInstance made, TemplateOrigin origin, InvocationConfiguration io)
    {
        var files = new TemplateFolder(folder);
        if (files.Unfinished is { } unfinished)
            return TemplateRun.Fail(io, unfinished);
        if (made.Files.Keys.FirstOrDefault(path => Path.Exists(Path.Combine(folder, path))) is { } taken)
            return TemplateRun.Fail(io, $"{Path.Combine(folder, taken)} is there already; nothing was written");
        if (files.Write(made.Files.ToDictionary(item => item.Key, item => (MergeFile?)item.Value)) is { } failure)
            return TemplateRun.Fail(io, failure);
        var count = TemplateUpgradeCommand.Count(made.Files.Count, "file");
        io.Output.WriteLine($"{folder}: {count} from {origin.Repository} at {origin.Version}");
        return ExitCode.Done;
    }

    /// <summary>A path inside the instance's own repository is kept relative to its root, so that every clone finds it.</summary>
    private static async Task<string> NameAsync(string repository, string folder, CancellationToken stop)
    {
        if (TemplateLibrary.IsRemote(repository)) return repository;
        var at = new DirectoryInfo(folder);
        while (!at.Exists && at.Parent is not null) at = at.Parent;
        var full = Path.GetFullPath(repository);
        if (await new GitStore(at.FullName).PlaceAsync("--show-toplevel", stop) is not { } top) return full;
        var relative = Path.GetRelativePath(top, full);
        return relative.StartsWith("..", StringComparison.Ordinal) ? full : relative;
    }
}
