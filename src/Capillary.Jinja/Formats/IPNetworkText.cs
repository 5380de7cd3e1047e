using System.Globalization;
using System.Net;

namespace Capillary.Jinja.Formats;

/// <summary>An IP address as a number.</summary>
/// <param name="Bits">The number.</param>
/// <param name="Width">32 for IPv4, 128 for IPv6.</param>
internal sealed record IPAddressText(UInt128 Bits, int Width)
{
    /// <summary>Null if it is none. Only the usual notations: four decimal numbers, or hexadecimal groups.</summary>
    internal static IPAddressText? Parse(ReadOnlySpan<char> text) => text.Contains(':') ? ParseV6(text) : ParseV4(text);

    public override string ToString()
    {
        if (Width == 32) return $"{(uint)Bits >> 24}.{(uint)Bits >> 16 & 255}.{(uint)Bits >> 8 & 255}.{(uint)Bits & 255}";
        Span<byte> bytes = stackalloc byte[16];
        for (var i = 0; i < 16; i++) bytes[i] = (byte)(Bits >> (120 - 8 * i));
        return new IPAddress(bytes).ToString();
    }

    private static IPAddressText? ParseV4(ReadOnlySpan<char> text)
    {
        var (bits, parts) = (0u, 0);
        foreach (var range in text.Split('.'))
        {
            var part = text[range];
            // "010" is eight to some and ten to others.
            if (part.Length > 1 && part[0] == '0') return null;
            if (!byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || ++parts > 4) return null;
            bits = bits << 8 | number;
        }
        return parts == 4 ? new IPAddressText(bits, 32) : null;
    }

    private static IPAddressText? ParseV6(ReadOnlySpan<char> text)
    {
        if (text.IndexOfAny("%[]") >= 0 || !IPAddress.TryParse(text, out var address)) return null;
        if (address.GetAddressBytes() is not { Length: 16 } bytes) return null;
        UInt128 bits = 0;
        foreach (var part in bytes) bits = bits << 8 | part;
        return new IPAddressText(bits, 128);
    }
}

/// <summary>An address with the length of its network's prefix; an address alone is a network of one.</summary>
internal sealed record IPNetworkText(IPAddressText Address, int Prefix)
{
    internal System.Numerics.BigInteger Size => System.Numerics.BigInteger.One << (Address.Width - Prefix);

    internal IPAddressText Mask => Address with { Bits = All ^ Rest };

    internal IPAddressText First => Address with { Bits = Address.Bits & ~Rest };

    internal IPAddressText Last => Address with { Bits = Address.Bits | Rest };

    private UInt128 All => Address.Width == 32 ? uint.MaxValue : UInt128.MaxValue;

    // The bits of a host. A shift by the whole width would be one by nothing.
    private UInt128 Rest => Prefix == Address.Width ? 0 : All >> Prefix;

    internal static IPNetworkText? Parse(string text)
    {
        var slash = text.IndexOf('/');
        if (IPAddressText.Parse(slash < 0 ? text : text.AsSpan(0, slash)) is not { } address) return null;
        if (slash < 0) return new IPNetworkText(address, address.Width);
        var isNumber = int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var prefix);
        return isNumber && prefix <= address.Width ? new IPNetworkText(address, prefix) : null;
    }

    internal bool Contains(IPNetworkText other) => other.Address.Width == Address.Width && other.Prefix >= Prefix
        && other.First.Bits >= First.Bits && other.Last.Bits <= Last.Bits;

    public override string ToString() => $"{Address}/{Prefix}";
}
