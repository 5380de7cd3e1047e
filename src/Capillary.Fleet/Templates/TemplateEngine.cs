using System.Text;
using System.Text.Unicode;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>Parses templates that may include each other.</summary>
internal sealed class TemplateEngine
{
    private readonly JinjaEnvironment environment;

    /// <param name="options">How templates are read.</param>
    /// <param name="loader">Gives the bytes of a template that another includes; null when there are none.</param>
    public TemplateEngine(JinjaOptions options, Func<string, byte[]?>? loader) => environment = new JinjaEnvironment
    {
        Options = options,
        Loader = loader is null ? null : name => loader(name) is { } bytes && Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null,
    };

    public JinjaTemplate Parse(string source, string name) => environment.Parse(source, name);

    /// <summary>At the template that is wrong, with the way that led there. What was included goes by its name below the template folder.
    /// </summary>
    public Diagnostic ProblemInFolder(JinjaException e) => environment.Loader?.Invoke(e.Template) is null ? Problem(e)
        : Problem(e) with { File = TemplateManifest.Folder + e.Template };

    /// <summary>At the template that is wrong, with the way that led there. In a circle each place stands once.</summary>
    public static Diagnostic Problem(JinjaException e)
    {
        // The first one goes by its path in the repository, what it includes by the name below the template folder.
        var places = e.Chain.DistinctBy(place => place.ToString().Replace(TemplateManifest.Folder, "", StringComparison.Ordinal)).ToList();
        var way = string.Join(", ", places) + (places.Count < e.Chain.Count ? ", and so on in a circle" : "");
        return Diagnostic.Error(DiagnosticCodes.TemplateFailed, e.Template, new TextPosition(e.Line, e.Column),
            places.Count == 0 ? e.Reason : $"{e.Reason} ({way})", TemplateProgram.Help(e));
    }
}
