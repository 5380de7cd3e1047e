using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Rollout;

/// <summary>What a look at the fleet repository found.</summary>
internal abstract record CommitOutcome
{
    private CommitOutcome() { }

    /// <summary>The commit that the branch held before it was rewritten (force-pushed); null when it only grew.</summary>
    public string? Rewrote { get; init; }

    /// <summary>Still the commit that was told last.</summary>
    public sealed record Unchanged : CommitOutcome;

    /// <summary>The repository cannot be read now.</summary>
    public sealed record Unreachable(string Error) : CommitOutcome;

    /// <summary>A new commit that has errors; it changes nothing.</summary>
    /// <param name="Commit">The commit.</param>
    /// <param name="Errors">How many.</param>
    /// <param name="DiagnosticsJson">All of them, as an array.</param>
    public sealed record DoesNotCompile(CommitInfo Commit, int Errors, string DiagnosticsJson) : CommitOutcome;

    /// <summary>A new commit and what it compiled to.</summary>
    public sealed record Compiled(CommitInfo Commit, ReleaseContent Content) : CommitOutcome;
}

/// <summary>Looks for a new commit and compiles it; tells each commit again until <paramref name="taken"/> was called for it.</summary>
/// <param name="taken">The commit that was dealt with last; null at first.</param>
/// <param name="stop">Ends the look.</param>
internal delegate Task<CommitOutcome> CommitSource(string? taken, CancellationToken stop);
