namespace Capillary.Fleet.Templates;

/// <summary>Paths of files in a template or an instance: relative, <c>/</c>-separated, and never out of their tree.</summary>
public static class TemplatePath
{
    /// <summary>In characters.</summary>
    internal const int MaxLength = 1024;

    /// <summary>True for a path that stays in its tree.</summary>
    public static bool IsUsable(string path) => Problem(path) is null;

    /// <summary>What is wrong with a path; null when it can be used.</summary>
    public static string? Problem(string path)
    {
        if (path.Length == 0) return "is empty";
        if (path.Length > MaxLength) return $"is longer than {MaxLength} characters";
        if (path.Any(char.IsControl) || path.Contains('\\')) return "holds a control character or a '\\'";
        if (path[0] == '/') return "is absolute";
        foreach (var segment in path.Split('/'))
        {
            if (segment.Length == 0) return "has an empty part";
            if (segment is "." or "..") return $"has the part '{segment}', and would leave its folder";
            if (segment.Equals(".git", StringComparison.OrdinalIgnoreCase)) return "has the part '.git', which is Git's own";
        }
        return null;
    }

    /// <summary>What is wrong with the target of a link that stands at <paramref name="link"/>; null when it stays in the tree.</summary>
    public static string? TargetProblem(string link, string target)
    {
        if (target.Length == 0) return "is empty";
        if (target.Contains('\0') || target.Length > MaxLength) return "cannot be one";
        if (target[0] == '/') return "is absolute, and would leave the tree";
        var depth = link.Count(c => c == '/');
        foreach (var segment in target.Split('/'))
        {
            depth += segment switch { "" or "." => 0, ".." => -1, _ => 1 };
            if (depth < 0) return "leaves the tree";
        }
        return null;
    }
}
