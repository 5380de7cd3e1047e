using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>How rendering one template ended.</summary>
/// <param name="Text">The result; null when there is a problem.</param>
/// <param name="Problems">What is wrong, with template, line and column.</param>
public sealed record PlainRender(string? Text, IReadOnlyList<Diagnostic> Problems);

/// <summary>One template and its values -> a text.</summary>
public static class PlainTemplate
{
    /// <summary>Renders one template.</summary>
    /// <param name="source">UTF-8.</param>
    /// <param name="name">For errors, usually a path.</param>
    /// <param name="values">What it reads.</param>
    /// <param name="keepBlanks">White space as Jinja2 does by default; else as the templates of a fleet.</param>
    /// <param name="loader">Gives the bytes of a template that this one includes; null when there are none.</param>
    /// <param name="stop">Ends a long render.</param>
    public static PlainRender Render(ReadOnlyMemory<byte> source, string name, TemplateValues values, bool keepBlanks,
        Func<string, byte[]?>? loader, CancellationToken stop)
    {
        var bag = new DiagnosticBag(name);
        if (DocumentParser.Decode(new TreeFile(name, "", source.Length, source, null), bag) is not { } text) return new(null, bag.Items);
        try
        {
            var engine = new TemplateEngine(keepBlanks ? JinjaOptions.Default : TemplateProgram.Options, loader);
            var rendered = engine.Parse(text, name).Render(JinjaNodes.Of(values), stop);
            // As in an instance; Jinja2 itself makes LF of it.
            var isWindows = !keepBlanks && text.Contains("\r\n", StringComparison.Ordinal);
            return new(isWindows ? rendered.Replace("\n", "\r\n", StringComparison.Ordinal) : rendered, []);
        }
        catch (JinjaException e)
        {
            return new(null, [TemplateEngine.Problem(e)]);
        }
    }
}
