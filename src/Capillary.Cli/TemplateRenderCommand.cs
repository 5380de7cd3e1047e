using System.CommandLine;
using Capillary.Fleet.Templates;

namespace Capillary.Cli;

/// <summary><c>capillary template render FILE</c>.</summary>
internal static class TemplateRenderCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "The template." };
        var values = new Option<string[]>("--values") { Description = "YAML files with values; later ones win.", HelpName = "file" };
        var settings = TemplateSettings.Option();
        var loader = new Option<string?>("--loader")
        {
            Description = "The folder that include, import and extends look in.",
            HelpName = "dir",
        };
        var plain = new Option<bool>("--keep-blanks")
        {
            Description = "Keep blanks and newlines around block tags and drop the last newline, as Jinja2 does by default; without it, "
                + "as the templates of a fleet are rendered.",
        };
        var command = new Command("render", "Render one template and print the result.") { file, values, settings, loader, plain };
        command.SetAction((parsed, stop) => TemplateRun.GuardAsync(parsed.InvocationConfiguration, () =>
            Task.FromResult(Run(parsed.GetValue(file)!, parsed.GetValue(values) ?? [], parsed.GetValue(settings) ?? [],
                parsed.GetValue(loader), parsed.GetValue(plain), parsed.InvocationConfiguration, stop))));
        return command;
    }

    private static int Run(string file, string[] valueFiles, string[] settings, string? loader, bool plain, InvocationConfiguration io,
        CancellationToken stop)
    {
        var source = TemplateRun.ReadFile(file);
        if (TemplateSettings.Read(valueFiles, settings, io.Error) is not { } values) return ExitCode.Failed;
        var result = PlainTemplate.Render(source, file, values, plain, loader is null ? null : name => Load(loader, name), stop);
        if (result.Text is { } text) io.Output.Write(text);
        foreach (var problem in result.Problems) io.Error.WriteLine(problem.ToString());
        return result.Text is null ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>Only files below the folder, and none through a link that leads out of it.</summary>
    private static byte[]? Load(string folder, string name)
    {
        if (!TemplatePath.IsUsable(name)) return null;
        var root = new DirectoryInfo(folder).FullName;
        var at = root;
        foreach (var segment in name.Split('/'))
        {
            at = Path.Combine(at, segment);
            if (new FileInfo(at).LinkTarget is not null) return null;
        }
        return File.Exists(at) ? File.ReadAllBytes(at) : null;
    }
}
