using System.Net;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Node.Hosting;
using Capillary.Node.Links;

namespace Capillary.Node.Doctor;

/// <summary>Whose way to its parents is looked at.</summary>
/// <param name="Parents">As the node dials them; at least one.</param>
/// <param name="Proxy">What it dials through; null: nothing.</param>
/// <param name="Fleet">The fleet it is for; null: not known yet.</param>
public sealed record DoctorTarget(IReadOnlyList<DnsEndPoint> Parents, ProxySettings? Proxy, FleetName? Fleet = null)
{
    /// <summary>Who asks and what it trusts, once it has joined; null before.</summary>
    internal (NodeName Node, TrustState Trust)? Joined { get; init; }

    /// <summary>What a technician named: a join file, addresses, or the folder of a node that has joined.</summary>
    /// <param name="file">The join file; null: none.</param>
    /// <param name="parents">Of <c>--parent</c>.</param>
    /// <param name="folder">The node's folder.</param>
    /// <param name="proxy">Of <c>--proxy</c>; goes before what is written anywhere.</param>
    /// <param name="program">How it is called, for advice.</param>
    /// <exception cref="InvalidDataException">Nothing that can be tested; says why.</exception>
    public static DoctorTarget Of(string? file, IReadOnlyList<string> parents, string folder, ProxySettings? proxy, string program)
    {
        if (parents.Count > 0)
        {
            if (file is not null) throw new InvalidDataException($"{file} names its parents itself: leave --parent out");
            return new DoctorTarget(Addresses([.. parents.Select(GivenJoin.Address)], "--parent"), proxy);
        }
        var target = file is null ? OfFolder(folder, program) : OfJoinFile(file);
        return proxy is null ? target : target with { Proxy = proxy };
    }

    /// <summary>Before joining: what stands in the join file.</summary>
    /// <exception cref="InvalidDataException">It is no join file.</exception>
    private static DoctorTarget OfJoinFile(string path)
    {
        if (Directory.Exists(path))
            throw new InvalidDataException($"{path}: is a folder; that of a node that has joined is given as --data {path}");
        if (!File.Exists(path)) throw new InvalidDataException($"{path}: no such file; is the USB stick mounted?");
        var join = JoinFile.Read(path);
        return new DoctorTarget(Addresses(join.Parents, path), join.Proxy, join.Fleet);
    }

    /// <summary>After joining: what the node's folder holds.</summary>
    /// <exception cref="InvalidDataException">The node has not joined, or a file is damaged.</exception>
    private static DoctorTarget OfFolder(string folder, string program)
    {
        // Opening a home makes its folders; a look must leave nothing behind.
        if (Directory.Exists(folder)) _ = Directory.EnumerateFileSystemEntries(folder).Any();
        if (!File.Exists(Path.Combine(folder, "node.json")))
            throw new InvalidDataException($"{folder}: no node has joined in this folder. Before it joins, name the join file: "
                + $"{program} doctor FILE.join; or the folder, if it is another: --data DIR");
        var home = new NodeHome(folder);
        var settings = home.LoadSettings();
        return new DoctorTarget(Addresses(settings.Parents, home.FileOf("node.json")), settings.Proxy, settings.Fleet)
        {
            Joined = (settings.Node, home.LoadTrust().Trust),
        };
    }

    private static List<DnsEndPoint> Addresses(IReadOnlyList<string> parents, string place) =>
        [.. parents.Select(parent => JoinFile.ParseAddress(parent, place))];
}
