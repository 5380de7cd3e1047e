using System.Net;
using System.Text;
using Capillary.Node.Hosting;
using Capillary.Node.Journal;
using Capillary.Node.Links;

namespace Capillary.Node.Child;

/// <summary>In which order parents are dialled.</summary>
public static class ParentOrder
{
    /// <summary>Most addresses of a round.</summary>
    public const int Most = 32;

    /// <summary>Each address once: the last good one if still named, then the hub's signed ones, then those of the join.</summary>
    public static IReadOnlyList<DnsEndPoint> Of(DnsEndPoint? lastGood, IReadOnlyList<DnsEndPoint> signed,
        IReadOnlyList<DnsEndPoint> joined)
    {
        var round = signed.Concat(joined).Distinct().ToList();
        if (lastGood is not null && round.Remove(lastGood)) round.Insert(0, lastGood);
        return round.Count <= Most ? round : round[..Most];
    }
}

/// <summary>Which parent was the last good one, on disk, so that a restart dials it first. A hint: nothing depends on it.</summary>
/// <param name="path">A file in the node's folder; null: remembered by this process only.</param>
public sealed class LastGoodParent(string? path)
{
    private bool read;

    /// <summary>The last one; null when there was none yet or the file is unreadable.</summary>
    public DnsEndPoint? Value
    {
        get
        {
            if (read) return field;
            read = true;
            return field = Read();
        }
        private set;
    }

    /// <summary>Writes only what is new: a site's flash memory counts writes.</summary>
    /// <exception cref="IOException">Not kept on disk; this process remembers it all the same.</exception>
    public void Keep(DnsEndPoint parent)
    {
        if (parent.Equals(Value)) return;
        Value = parent;
        if (path is not null) AtomicFile.Write(path, Encoding.UTF8.GetBytes(LinkDialer.TextOf(parent) + "\n"));
    }

    private DnsEndPoint? Read()
    {
        try
        {
            return path is not null && new FileInfo(path) is { Exists: true, Length: < 1024 }
                ? JoinFile.ParseAddress(File.ReadAllText(path).Trim(), path)
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
    }
}
