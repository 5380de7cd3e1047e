namespace Capillary.Fleet.Documents;

/// <summary>How a reader treats one entry.</summary>
public enum TreeReading
{
    /// <summary>Outside the language (README, .github, …): not read.</summary>
    Skip,

    /// <summary>A document or template: its bytes are held.</summary>
    Hold,

    /// <summary>A possible artifact: only its digest is computed.</summary>
    Hash,
}

/// <summary>An entry and how to read it.</summary>
public sealed record TreeWish(TreeEntry Entry, TreeReading Reading);

/// <summary>What a reader may read, decided before it reads.</summary>
/// <param name="Wishes">What to read; empty when the listing as a whole was refused.</param>
/// <param name="Problems">Links, oversize files and limits.</param>
public sealed record TreeAdmission(IReadOnlyList<TreeWish> Wishes, IReadOnlyList<Diagnostic> Problems);

/// <summary>The limits of a fleet repository; checked on the listing, so that an abusive commit is refused before its bytes are
/// read.</summary>
public static class TreeRules
{
    /// <summary>The longest document or template, in bytes.</summary>
    public const long MaxTextBytes = 1 << 20;

    /// <summary>The longest artifact, in bytes.</summary>
    public const long MaxArtifactBytes = 4L << 30;

    /// <summary>The most files in a repository.</summary>
    public const int MaxFiles = 200_000;

    /// <summary>The most bytes of documents and templates together.</summary>
    public const long MaxTotalTextBytes = 512L << 20;

    private const int MaxPathLength = 1024;

    /// <summary>Decides what of a listing is read.</summary>
    public static TreeAdmission Admit(IReadOnlyCollection<TreeEntry> entries)
    {
        if (entries.Count > MaxFiles)
            return Refuse(DiagnosticCodes.TooManyFiles, $"the repository has {entries.Count} files; at most {MaxFiles} are read");
        var problems = new List<Diagnostic>();
        var wishes = new List<TreeWish>(entries.Count);
        var total = 0L;
        foreach (var entry in entries)
        {
            var reading = FleetLayout.Reading(entry.Path);
            if (Problem(entry, reading) is { } problem) problems.Add(problem);
            else if (reading != TreeReading.Skip) wishes.Add(new(entry, reading));
            if (reading == TreeReading.Hold) total += entry.Size;
        }
        return total > MaxTotalTextBytes
            ? Refuse(DiagnosticCodes.RepositoryTooLarge,
                $"documents and templates have {total} bytes together; at most {MaxTotalTextBytes} are read")
            : new TreeAdmission(wishes, problems);
    }

    private static Diagnostic? Problem(TreeEntry entry, TreeReading reading)
    {
        if (entry.Kind == TreeEntryKind.SymbolicLink)
            return Error(entry, DiagnosticCodes.LinkInTree, "is a symbolic link; links are never followed", "commit the file itself");
        if (entry.Kind == TreeEntryKind.Submodule && FleetLayout.IsInFleetFolder(entry.Path))
            return Error(entry, DiagnosticCodes.LinkInTree, "is a Git submodule; submodules are not read", "commit the files themselves");
        if (reading == TreeReading.Skip) return null;
        if (entry.Path.Length > MaxPathLength || entry.Path.Any(char.IsControl) || entry.Path.Contains('\\'))
            return Error(entry, DiagnosticCodes.BadPath,
                $"a path has at most {MaxPathLength} characters, no control characters and no '\\'", null);
        var most = reading == TreeReading.Hold ? MaxTextBytes : MaxArtifactBytes;
        return entry.Size <= most ? null : Error(entry, DiagnosticCodes.FileTooLarge, $"has {entry.Size} bytes; at most {most} are read",
            reading == TreeReading.Hold ? "large files are artifacts: move it out of templates and name it in app.yaml" : null);
    }

    private static Diagnostic Error(TreeEntry entry, DiagnosticCode code, string message, string? suggestion) =>
        Diagnostic.Error(code, Printable(entry.Path), TextPosition.WholeFile, message, suggestion);

    private static string Printable(string path) => string.Concat(path.Take(MaxPathLength).Select(c => char.IsControl(c) ? '?' : c));

    private static TreeAdmission Refuse(DiagnosticCode code, string message) =>
        new([], [Diagnostic.Error(code, "", TextPosition.WholeFile, message)]);
}
