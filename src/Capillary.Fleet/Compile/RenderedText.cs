using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Compile;

/// <summary>The output of one template, with the means to say where in it something is wrong.</summary>
internal sealed class RenderedText(TemplateProgram program, string text, List<SiteProblem> problems)
{
    public string Text { get; } = text;

    public string File => program.File.Path;

    /// <summary>
    /// Reports a place in the rendered text. Where the template has the same line at the same place, that is the author's own line;
    /// else the message shows the rendered line.
    /// </summary>
    public void Error(DiagnosticCode code, TextPosition at, string message, string? suggestion, string distinction)
    {
        var line = Utf8Text.Line(Text, at.Line);
        if (line is not null && line != Utf8Text.Line(program.Source!, at.Line))
            message = $"{message}; rendered line {at.Line}: {Shorten(line.Trim())}";
        problems.Add(SiteProblem.Of(Diagnostic.Error(code, File, at, message, suggestion), distinction));
    }

    private static string Shorten(string line) => line.Length <= 80 ? line : line[..77] + "...";
}
