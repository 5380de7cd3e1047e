using System.CommandLine;
using Capillary.Fleet.Templates;

namespace Capillary.Cli;

/// <summary>Values that a person gives to a template: YAML files and <c>--set name=value</c>.</summary>
internal static class TemplateSettings
{
    public static Option<string[]> Option() => new("--set")
    {
        Description = "A value, read as YAML: port=8080 is a number, name='\"8080\"' a string; a.b=1 sets b of the object a.",
        HelpName = "name=value",
    };

    public static Option<string[]> UnsetOption() => new("--unset")
    {
        Description = "A value that was given and is no more, so that the template's default counts; a.b takes b out of the object a.",
        HelpName = "name",
    };

    /// <summary>All of them, later ones over earlier ones; null after saying what is wrong.</summary>
    public static TemplateValues? Read(IEnumerable<string> files, IEnumerable<string> settings, TextWriter error)
    {
        var values = TemplateValues.None;
        foreach (var file in files)
        {
            if (Take(TemplateValues.Read(TemplateRun.ReadFile(file), file), error) is not { } read) return null;
            values = values.With(read);
        }
        foreach (var setting in settings)
        {
            if (Take(TemplateValues.Parse(setting), error) is not { } read) return null;
            values = values.With(read);
        }
        return values;
    }

    private static TemplateValues? Take(TemplateValuesRead read, TextWriter error)
    {
        foreach (var problem in read.Problems) error.WriteLine(problem.ToString());
        return read.Problems.Count == 0 ? read.Values : null;
    }
}
