namespace Capillary.Fleet.Documents;

/// <summary>Collects what is wrong with one file; after <see cref="Limit"/> entries the rest of that file is not worth reading.</summary>
internal sealed class DiagnosticBag(string file)
{
    public const int Limit = 100;

    private readonly List<Diagnostic> items = [];

    public string File { get; } = file;

    public IReadOnlyList<Diagnostic> Items => items;

    public bool IsEmpty => items.Count == 0;

    public void Error(DiagnosticCode code, TextPosition at, string message, string? suggestion = null)
    {
        if (items.Count < Limit) items.Add(Diagnostic.Error(code, File, at, message, suggestion));
    }
}
