using System.CommandLine;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Schemas;

namespace Capillary.Cli;

/// <summary><c>capillary fleet schema [KIND]</c>.</summary>
internal static class FleetSchemaCommand
{
    public static Command Create()
    {
        var kind = new Argument<string?>("KIND")
        {
            Description = $"One of {string.Join(", ", FleetSchemas.Kinds)}; without it, a schema that takes any "
                + "that a fleet repository has.",
            Arity = ArgumentArity.ZeroOrOne,
            HelpName = "KIND",
            CustomParser = result =>
            {
                var given = result.Tokens[0].Value;
                var found = FleetSchemas.Kinds.FirstOrDefault(name => name.Equals(given, StringComparison.OrdinalIgnoreCase));
                if (found is null) result.AddError($"there is no kind '{given}'; use {string.Join(", ", FleetSchemas.Kinds)}");
                return found;
            },
        };
        kind.CompletionSources.Add([.. FleetSchemas.Kinds]);
        var folder = new Option<string?>("--dir")
        {
            Description = "A fleet repository: layers may then set the variables of its apps only, each with its type.",
        };
        var target = new Option<string?>("--out")
        {
            Description = "Write the schema, or without KIND all of them, into this folder instead.",
        };
        var command = new Command("schema", "Show the JSON Schema of a kind of document, for editors.") { kind, folder, target };
        command.SetAction((parsed, stop) => Task.FromResult(Run(parsed.GetValue(kind), parsed.GetValue(folder), parsed.GetValue(target),
            parsed.InvocationConfiguration, stop)));
        return command;
    }

    private static int Run(string? kind, string? folder, string? target, InvocationConfiguration io, CancellationToken stop)
    {
        FleetInventory? fleet = null;
        if (folder is not null)
        {
            var source = new FleetFolder(folder, io.Error);
            if (source.Compile(null, stop) is not { } compilation) return ExitCode.Failed;
            // Half of the apps would make good values look undeclared.
            source.Show(compilation.Diagnostics, io.Error);
            if (compilation.Diagnostics.HasErrors || compilation.Inventory is null) return ExitCode.Failed;
            fleet = compilation.Inventory;
        }
        if (target is null)
        {
            io.Output.Write(kind is { } only ? FleetSchemas.Of(only, fleet) : FleetSchemas.OfAll(fleet));
            return ExitCode.Done;
        }
        Directory.CreateDirectory(target);
        foreach (var one in kind is { } chosen ? [chosen] : FleetSchemas.Kinds)
            Save(target, one, FleetSchemas.Of(one, fleet), io);
        if (kind is null) Save(target, "Any", FleetSchemas.OfAll(fleet), io);
        return ExitCode.Done;
    }

    private static void Save(string folder, string name, string schema, InvocationConfiguration io)
    {
        var path = Path.Combine(folder, $"{name}.json");
        File.WriteAllText(path, schema);
        io.Output.WriteLine(path);
    }
}
