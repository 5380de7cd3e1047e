namespace Capillary.Sim.Machine;

/// <summary>The power went in the middle of something; everything up the stack of this node is lost.</summary>
internal sealed class PowerLostException : Exception;

/// <summary>
/// One node's disk: named documents. A document is replaced as <c>AtomicFile</c> does it: temp, fsync, rename, fsync of the folder; between
/// the rename and the last fsync it is visible and not durable. Power can go at each of these points.
/// </summary>
internal sealed class SimDisk(Prng chance)
{
    private readonly SortedDictionary<string, byte[]> durable = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, byte[]> renamed = new(StringComparer.Ordinal);

    private (string From, string To)? moving;

    /// <summary>Takes no more.</summary>
    public bool Full { get; set; }

    /// <summary>The power goes at the n-th point from now; negative: not planned.</summary>
    public int PowerLossIn { get; set; } = -1;

    /// <summary>Documents that begin so may be torn by a power loss: their readers have to notice.</summary>
    public IReadOnlyList<string> MayTear { get; set; } = [];

    /// <summary>Told of each document that has become durable.</summary>
    public Action<string, byte[]> Kept { get; set; } = (_, _) => { };

    /// <exception cref="IOException">The disk is full; the old document stands.</exception>
    public void Replace(string name, byte[] content)
    {
        if (Full) throw new IOException("no space left on device");
        Point();
        renamed[name] = content;
        Point();
        renamed.Remove(name);
        durable[name] = content;
        Kept(name, content);
        Point();
    }

    /// <summary>A rename of a document over another, as <c>identity-next.pem</c> takes the place of <c>identity.pem</c>.</summary>
    public void Move(string from, string to)
    {
        Point();
        moving = (from, to);
        Point();
        FinishMove();
        Point();
    }

    /// <summary>A technician's hand, while nothing runs here.</summary>
    public void Install(string name, byte[] content) => durable[name] = content;

    /// <summary>A copy of all that is durable now.</summary>
    public void CopyTo(SimDisk other)
    {
        foreach (var (name, content) in durable) other.durable[name] = content;
    }

    public byte[]? Read(string name) => renamed.GetValueOrDefault(name) ?? durable.GetValueOrDefault(name);

    public bool Has(string name) => renamed.ContainsKey(name) || durable.ContainsKey(name);

    /// <summary>Documents whose names begin so, in ordinal order.</summary>
    public IEnumerable<KeyValuePair<string, byte[]>> Under(string prefix) =>
        durable.Where(item => item.Key.StartsWith(prefix, StringComparison.Ordinal)).ToList();

    public void Remove(string name)
    {
        renamed.Remove(name);
        durable.Remove(name);
    }

    /// <summary>What was renamed and not synced is there or not, or (where that is allowed) a part of it is.</summary>
    public void LosePower()
    {
        PowerLossIn = -1;
        if (moving is not null && chance.Chance(0.5)) FinishMove();
        moving = null;
        foreach (var (name, content) in renamed)
        {
            var outcome = chance.Below(3);
            if (outcome == 0) continue;
            var tear = outcome == 1 && MayTear.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
            durable[name] = tear ? content[..chance.Below(content.Length)] : content;
            Kept(name, durable[name]);
        }
        renamed.Clear();
    }

    /// <summary>A bad sector: cuts one document that may tear; its name, or null when there is none.</summary>
    public string? Tear()
    {
        var names = durable.Keys.Where(name => MayTear.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))).ToList();
        if (names.Count == 0) return null;
        var name = chance.Pick(names);
        durable[name] = durable[name][..chance.Below(Math.Max(1, durable[name].Length))];
        return name;
    }

    private void FinishMove()
    {
        var (from, to) = moving!.Value;
        moving = null;
        durable[to] = durable[from];
        durable.Remove(from);
        Kept(to, durable[to]);
    }

    private void Point()
    {
        if (PowerLossIn >= 0 && PowerLossIn-- == 0) throw new PowerLostException();
    }
}
