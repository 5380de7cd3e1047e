using System.CommandLine;

namespace Capillary.Cli;

/// <summary><c>capillary template</c>: folders that were made from a template, and what templates are made with. Needs no hub.</summary>
internal static class TemplateCommand
{
    public static Command Create() =>
        new("template", "Make, upgrade and compare folders that come from a template repository. Needs no hub.")
    {
        Subcommands =
        {
            TemplateNewCommand.Create(),
            TemplateShowCommand.Create(),
            TemplateStatusCommand.Create(),
            TemplateUpgradeCommand.Create(),
            TemplateResolveCommand.Create(),
            TemplateDiffCommands.Diff(),
            TemplateDiffCommands.Reset(),
            TemplateRenderCommand.Create(),
            TemplateMergeCommand.Create(),
        },
    };
}
