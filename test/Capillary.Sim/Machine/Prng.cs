namespace Capillary.Sim.Machine;

/// <summary>
/// xoshiro256** seeded by SplitMix64 (Blackman, Vigna). Our own, so that a seed means the same run under every version of .NET.
/// </summary>
internal sealed class Prng
{
    private ulong a;
    private ulong b;
    private ulong c;
    private ulong d;

    public Prng(ulong seed) => (a, b, c, d) = (Mix(ref seed), Mix(ref seed), Mix(ref seed), Mix(ref seed));

    /// <summary>A stream of its own for each name, so that one node's chances do not move when another draws once more.</summary>
    public Prng(ulong seed, string name) : this(seed ^ Fnv(name)) { }

    public ulong Next()
    {
        var result = ulong.RotateLeft(b * 5, 7) * 9;
        var t = b << 17;
        c ^= a;
        d ^= b;
        b ^= c;
        a ^= d;
        c ^= t;
        d = ulong.RotateLeft(d, 45);
        return result;
    }

    /// <summary>0 to <paramref name="limit"/> - 1.</summary>
    public int Below(int limit) => (int)(((UInt128)Next() * (ulong)limit) >> 64);

    /// <summary>From 0 to less than 1.</summary>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    public bool Chance(double probability) => Unit() < probability;

    public TimeSpan Between(double leastSeconds, double mostSeconds) =>
        TimeSpan.FromTicks((long)((leastSeconds + (mostSeconds - leastSeconds) * Unit()) * TimeSpan.TicksPerSecond));

    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    private static ulong Mix(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static ulong Fnv(string text)
    {
        var hash = 14695981039346656037;
        foreach (var letter in text) hash = (hash ^ letter) * 1099511628211;
        return hash;
    }
}
