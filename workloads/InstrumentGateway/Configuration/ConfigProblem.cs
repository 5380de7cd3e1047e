namespace InstrumentGateway.Configuration;

/// <summary>One thing wrong with a configuration file, where an editor can jump to it.</summary>
internal sealed record ConfigProblem(string File, int Line, int Column, string Path, string Message)
{
    public override string ToString() => $"{File}:{Line}:{Column}: {Path}: {Message}";
}

/// <summary>Collects problems, so that all of them are shown at once.</summary>
internal sealed class ConfigProblems(string file)
{
    private readonly List<ConfigProblem> found = [];

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<ConfigProblem> Found => [.. found.OrderBy(p => p.Line).ThenBy(p => p.Column)];

    public void Add(LocatedJson at, string message) => found.Add(new(file, at.Line, at.Column, at.Path, message));

    public void Add(int line, int column, string message) => found.Add(new(file, line, column, "$", message));
}
