using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Capillary.Core.Identity;

/// <summary>
/// The one rule for every name in a fleet: a DNS label (RFC 1123): 1 to 63 characters, lower-case letters, digits and
/// <c>-</c>, beginning and ending with a letter or digit. So a name is also a file name, a metric label and a URL segment.
/// </summary>
public static class DnsLabel
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxLength = 63;

    /// <summary>True when <paramref name="text"/> is a DNS label.</summary>
    public static bool IsValid([NotNullWhen(true)] string? text)
    {
        if (string.IsNullOrEmpty(text) || text.Length > MaxLength || text[0] == '-' || text[^1] == '-') return false;
        foreach (var c in text)
        {
            if (c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '-')) return false;
        }
        return true;
    }

    internal static string Require(string? text, string what) => IsValid(text)
        ? text
        : throw new FormatException($"'{text}' is not a {what} name: use 1 to 63 lower-case letters, digits and '-'");
}

/// <summary>The name of one fleet: all that one hub manages.</summary>
[JsonConverter(typeof(FleetNameJson))]
public readonly record struct FleetName
{
    /// <exception cref="FormatException">The text is not a DNS label.</exception>
    public FleetName(string value) => Value = DnsLabel.Require(value, "fleet");

    public string Value { get; }

    public override string ToString() => Value ?? "";
}

/// <summary>The name of one site: one managed place, the unit of targeting.</summary>
[JsonConverter(typeof(SiteIdJson))]
public readonly record struct SiteId : IComparable<SiteId>
{
    /// <exception cref="FormatException">The text is not a DNS label.</exception>
    public SiteId(string value) => Value = DnsLabel.Require(value, "site");

    public string Value { get; }

    /// <summary>Site order is ordinal; the Merkle leaves stand in it.</summary>
    public int CompareTo(SiteId other) => string.CompareOrdinal(Value, other.Value);

    public static bool operator <(SiteId left, SiteId right) => left.CompareTo(right) < 0;
    public static bool operator <=(SiteId left, SiteId right) => left.CompareTo(right) <= 0;
    public static bool operator >(SiteId left, SiteId right) => left.CompareTo(right) > 0;
    public static bool operator >=(SiteId left, SiteId right) => left.CompareTo(right) >= 0;

    public override string ToString() => Value ?? "";
}

/// <summary>The name of one region.</summary>
[JsonConverter(typeof(RegionIdJson))]
public readonly record struct RegionId
{
    /// <exception cref="FormatException">The text is not a DNS label.</exception>
    public RegionId(string value) => Value = DnsLabel.Require(value, "region");

    public string Value { get; }

    public override string ToString() => Value ?? "";
}

/// <summary>The name of one node (a Capillary process). A site's node has the site's name.</summary>
[JsonConverter(typeof(NodeNameJson))]
public readonly record struct NodeName
{
    /// <exception cref="FormatException">The text is not a DNS label.</exception>
    public NodeName(string value) => Value = DnsLabel.Require(value, "node");

    public string Value { get; }

    public override string ToString() => Value ?? "";
}

/// <summary>The name of one app of the fleet repository.</summary>
[JsonConverter(typeof(AppNameJson))]
public readonly record struct AppName
{
    /// <exception cref="FormatException">The text is not a DNS label.</exception>
    public AppName(string value) => Value = DnsLabel.Require(value, "app");

    public string Value { get; }

    public override string ToString() => Value ?? "";
}

/// <summary>What a node is.</summary>
[JsonConverter(typeof(EnumNameJson<NodeKind>))]
public enum NodeKind
{
    Hub,
    Region,
    Site,
}
