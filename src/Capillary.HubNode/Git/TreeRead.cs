using Capillary.Fleet.Documents;

namespace Capillary.HubNode.Git;

/// <summary>How reading a folder or commit ended.</summary>
public abstract record TreeRead
{
    private TreeRead() { }

    /// <summary>The tree; what is wrong in it stands in <see cref="FleetTree.Problems"/>.</summary>
    public sealed record Done(FleetTree Tree) : TreeRead;

    /// <summary>The folder or commit cannot be read at all.</summary>
    /// <param name="Error">Git's or the system's words.</param>
    public sealed record Failed(string Error) : TreeRead;
}

/// <summary>One commit, for people.</summary>
/// <param name="Id">The full object id in hex.</param>
/// <param name="Author">Name and address as written by the author.</param>
/// <param name="Time">When it was committed, as its committer's clock said.</param>
/// <param name="Subject">First line of the message.</param>
public sealed record GitCommit(string Id, string Author, DateTimeOffset Time, string Subject)
{
    /// <summary>The first twelve digits, enough for people.</summary>
    public string ShortId => Id[..12];
}
