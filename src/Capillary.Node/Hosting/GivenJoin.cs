using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Links;

namespace Capillary.Node.Hosting;

/// <summary>What a technician gives to <c>join</c>: a file, or a code and the parent's address.</summary>
/// <param name="Code">The join code, without a typing error.</param>
/// <param name="Parents">Addresses as <c>host:port</c>, at least one.</param>
/// <param name="Proxy">What the network demands; null: none.</param>
/// <param name="File">The join file; null when only the code is known.</param>
public sealed record GivenJoin(JoinCode Code, IReadOnlyList<string> Parents, ProxySettings? Proxy, JoinFile? File)
{
    /// <summary>What <c>--parent HOST</c> means without a port.</summary>
    public const int FieldPort = 443;

    private const int MostParents = 16;

    /// <summary>Reads it before any network is asked, so that a typing error costs nothing.</summary>
    /// <param name="argument">A file, a code, or <c>-</c>: the code is the first line of <paramref name="input"/>.</param>
    /// <param name="parents">Of <c>--parent</c>.</param>
    /// <param name="proxy">Of <c>--proxy</c>; it goes before what stands in the file.</param>
    /// <param name="kind">What joins.</param>
    /// <param name="input">Stdin.</param>
    /// <exception cref="InvalidDataException">Something is wrong with it; says what, and what to do. Never repeats the code.</exception>
    public static GivenJoin Read(string argument, IReadOnlyList<string> parents, ProxySettings? proxy, NodeKind kind, TextReader input)
    {
        if (argument != "-" && System.IO.File.Exists(argument)) return OfFile(argument, parents, proxy, kind);
        if (Directory.Exists(argument)) throw new InvalidDataException($"{argument}: is a folder; name the join file in it");
        if (argument != "-" && parents.Count == 0)
        {
            throw new InvalidDataException(LooksLikeCode(argument)
                ? "a join code tells nothing about where to dial: give the parent's address too: join CODE --parent HOST"
                : $"{argument}: no such file; make it where the hub is: {Enroll(kind)} --out {argument}. "
                + "With a code and no file: join CODE --parent HOST");
        }
        if (parents.Count is 0 or > MostParents)
            throw new InvalidDataException($"give the parent's address with --parent HOST, 1 to {MostParents} times");
        return new GivenJoin(ReadCode(argument == "-" ? input.ReadLine() ?? "" : argument), [.. parents.Select(Address)], proxy, null);
    }

    /// <summary><c>HOST</c>, <c>HOST:PORT</c> or <c>https://HOST</c>, as people write it, as <c>host:port</c>.</summary>
    /// <exception cref="InvalidDataException">It is none of these.</exception>
    public static string Address(string text)
    {
        const string Scheme = "https://";
        var bare = (text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? text[Scheme.Length..] : text).TrimEnd('/');
        if (!bare.StartsWith('[') && bare.Contains(':') && System.Net.IPAddress.TryParse(bare, out var address))
            return $"[{address}]:{FieldPort}";
        if (bare.LastIndexOf(':') <= bare.LastIndexOf(']')) bare = $"{bare}:{FieldPort}";
        var parsed = JoinFile.ParseAddress(bare, "--parent");
        return Uri.CheckHostName(parsed.Host) == UriHostNameType.Unknown
            ? throw new InvalidDataException($"--parent: '{text}' is not an address: expected HOST or HOST:PORT")
            : bare;
    }

    /// <summary>What to join with.</summary>
    public JoinTarget ToTarget(NodeKind kind) =>
        File is { } file ? JoinTarget.Of(file) : new JoinTarget(kind, Parents, Code, Proxy);

    private static GivenJoin OfFile(string path, IReadOnlyList<string> parents, ProxySettings? proxy, NodeKind kind)
    {
        if (parents.Count > 0) throw new InvalidDataException($"{path} is a file and names its parents itself: leave --parent out");
        var join = JoinFile.Read(path);
        if (join.Kind != kind)
        {
            throw new InvalidDataException(join.Kind == NodeKind.Region
                ? $"{path}: is for a region; a region joins with: capillary region join FILE"
                : $"{path}: is for a site; a site joins with: capillary-edge join FILE");
        }
        join = proxy is null ? join : join with { Proxy = proxy };
        return new GivenJoin(ReadCode(join.Code), join.Parents, join.Proxy, join);
    }

    private static JoinCode ReadCode(string typed)
    {
        try
        {
            return JoinCode.Parse(typed.Trim());
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"the join code is mistyped: {e.Message}. It has 22 letters and digits, as in "
                + "XXXXX-XXXXX-XXXXX-XXXXXXX; nothing was sent", e);
        }
    }

    /// <summary>As long as a code and of its letters, mistyped or not; a file's name is rarely so.</summary>
    private static bool LooksLikeCode(string text) =>
        text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or ' ') && text.Count(char.IsAsciiLetterOrDigit) is >= 20 and <= 24;

    private static string Enroll(NodeKind kind) => $"capillary {kind.ToString().ToLowerInvariant()} enroll NAME";
}
