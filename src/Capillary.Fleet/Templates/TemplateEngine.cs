using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>Parses templates that may include each other.</summary>
internal sealed class TemplateEngine(JinjaOptions options, Func<string, byte[]?>? loader)
{
    public Func<string, byte[]?>? Loader { get; } = loader;

    public JinjaTemplate Parse(string source, string name) => JinjaTemplate.Parse(source, name, options);

    public static Diagnostic Problem(JinjaException e) =>
        Diagnostic.Error(DiagnosticCodes.TemplateFailed, e.Template, new TextPosition(e.Line, e.Column), e.Reason, TemplateProgram.Help(e));
}
