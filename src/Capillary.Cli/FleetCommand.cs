using System.CommandLine;

namespace Capillary.Cli;

/// <summary><c>capillary fleet</c>: what works on a fleet repository alone, with no hub.</summary>
internal static class FleetCommand
{
    public static Command Create() => new("fleet", "Check, render and compare a fleet repository. Needs no hub.")
    {
        Subcommands =
        {
            FleetValidateCommand.Create(),
            FleetRenderCommand.Create(),
            FleetExplainCommand.Create(),
            FleetPreviewCommand.Create(),
            FleetSchemaCommand.Create(),
        },
    };
}
