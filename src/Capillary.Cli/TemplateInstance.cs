using System.CommandLine;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates;
using Capillary.HubNode.Git;

namespace Capillary.Cli;

/// <summary>One instance in a folder of this disk, with its template at hand.</summary>
internal sealed class TemplateInstance
{
    public required string Folder { get; init; }

    /// <summary>Its path from the root of its repository; of one without Git its full path.</summary>
    public required string Name { get; init; }

    public required InstanceState State { get; init; }

    public required string StateFile { get; init; }

    public required TemplateRepository Repository { get; init; }

    /// <summary>Null outside of Git.</summary>
    public required ResolutionStore? Resolutions { get; init; }

    public TemplateFolder Files => new(Folder);

    public static Argument<string> FolderArgument() => new("DIR")
    {
        Description = "The instance's folder.",
        DefaultValueFactory = _ => ".",
    };

    /// <summary>Null after saying what is wrong.</summary>
    public static async Task<TemplateInstance?> OpenAsync(string folder, TextWriter error, CancellationToken stop)
    {
        if (new TemplateFolder(folder).Unfinished is { } unfinished)
        {
            error.WriteLine($"capillary: {unfinished}");
            return null;
        }
        if (!Directory.Exists(folder))
        {
            error.WriteLine($"capillary: there is no folder {folder}");
            return null;
        }
        var file = new[] { InstanceFiles.State, InstanceFiles.FengineState }.Select(name => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
        if (file is null)
        {
            error.WriteLine($"capillary: {folder} was not made from a template: "
                + $"there is no {InstanceFiles.State} and no {InstanceFiles.FengineState}");
            return null;
        }
        var read = InstanceState.Read(file, await File.ReadAllBytesAsync(file, stop));
        foreach (var problem in read.Problems) error.WriteLine(problem.ToString());
        if (read.State is not { } state) return null;
        var git = new GitStore(folder);
        var top = await git.PlaceAsync("--show-toplevel", stop);
        var own = await git.PlaceAsync("--git-common-dir", stop);
        if (await new TemplateLibrary(error).OpenAsync(state.Origin.Repository, top ?? folder, stop) is not { } repository) return null;
        return new TemplateInstance
        {
            Folder = folder,
            Name = top is null ? Path.GetFullPath(folder) : Path.GetRelativePath(top, Path.GetFullPath(folder)).Replace('\\', '/'),
            State = state,
            StateFile = file,
            Repository = repository,
            Resolutions = own is null ? null : new ResolutionStore(own),
        };
    }

    /// <summary>Plans an upgrade; null after saying why it cannot be planned.</summary>
    public async Task<TemplateUpgrade?> BeginAsync(TemplateOrigin to, TemplateValues settings, IReadOnlyList<string> unset,
        TextWriter error, CancellationToken stop)
    {
        if (unset.FirstOrDefault(name => !State.Values.Has(name)) is { } nothing)
        {
            error.WriteLine($"capillary: --unset {nothing}: {Name} gives no such value");
            return null;
        }
        var origin = to with { Repository = State.Origin.Repository };
        if (await Repository.SourceAsync(State.Origin, StateFile, stop) is not { } before) return null;
        if (await Repository.SourceAsync(origin, StateFile, stop) is not { } after) return null;
        if (await Repository.ResolveTagAsync(State.Origin.Version, stop) is { } now && now != State.Origin.Commit)
        {
            error.WriteLine(Diagnostic.Error(DiagnosticCodes.BadInstanceState, StateFile, TextPosition.WholeFile,
                $"the tag {State.Origin.Version} is now commit {now}; this was made from {State.Origin.Commit}, which is used")
                with { Severity = DiagnosticSeverity.Warning });
        }
        return TemplateUpgrade.Begin(new UpgradeRequest(State, before, after, origin, settings) { Unset = unset }, Files.List(stop), stop);
    }
}
