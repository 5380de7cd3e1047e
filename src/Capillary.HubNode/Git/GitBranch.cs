namespace Capillary.HubNode.Git;

/// <summary>A branch of a local repository.</summary>
/// <param name="Commit">What it points at.</param>
/// <param name="Parents">That commit's parents.</param>
/// <param name="Subject">The first lines of its message, as one.</param>
/// <param name="WorkTree">Where it is checked out, in any of the repository's work trees; null: nowhere. Of a bare repository's HEAD it is
/// the bare repository itself.</param>
public sealed record GitBranch(string Commit, IReadOnlyList<string> Parents, string Subject, string? WorkTree)
{
    /// <summary>Where branches stand among the refs.</summary>
    public const string Prefix = "refs/heads/";

    private const string NotAllowed = " ~^:?*[\\";

    /// <summary>Why Git has no branch of this name, by the rules of <c>git check-ref-format</c>; null when it can.</summary>
    public static string? NameProblem(string name)
    {
        if (name.Length == 0) return "is empty";
        if (name is "@" or "HEAD") return "means something else to Git";
        if (name[0] == '-') return "begins with '-'";
        if (name.Any(c => c is < ' ' or '\x7F')) return "holds a control character";
        if (name.FirstOrDefault(NotAllowed.Contains) is var bad and not '\0') return $"holds '{bad}'";
        if (name.Contains("..", StringComparison.Ordinal)) return "holds '..'";
        if (name.Contains("@{", StringComparison.Ordinal)) return "holds '@{'";
        if (name[^1] == '.') return "ends with '.'";
        foreach (var part in name.Split('/'))
        {
            if (part.Length == 0) return "has an empty part";
            if (part[0] == '.') return "has a part that begins with '.'";
            if (part.EndsWith(".lock", StringComparison.Ordinal)) return "has a part that ends with '.lock'";
        }
        return null;
    }
}
