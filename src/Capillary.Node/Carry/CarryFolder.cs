using System.Security.Cryptography;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Node.Keys;

namespace Capillary.Node.Carry;

/// <summary>A carry as it lies on a stick, found and looked over by the site it is for.</summary>
public sealed class CarryFolder
{
    private const int MostFolders = 10_000;

    private CarryFolder(string path, CarryManifest manifest) => (Path, Manifest) = (path, manifest);

    public string Path { get; }

    public CarryManifest Manifest { get; }

    /// <summary>
    /// The carry in <paramref name="folder"/> itself, or the newest of this site in the folders right below: a stick may hold those of
    /// many sites.
    /// </summary>
    /// <exception cref="InvalidDataException">There is none that this site could open; says why and what to do.</exception>
    public static CarryFolder Find(string folder, FleetName fleet, SiteId site, string sealingKey)
    {
        if (!Directory.Exists(folder)) throw new InvalidDataException($"{folder}: no such folder; is the stick mounted?");
        var found = Candidates(folder).Select(path => new CarryFolder(path,
            CarryManifest.Read(System.IO.Path.Combine(path, CarryManifest.FileName)))).ToList();
        if (found.Count == 0) throw new InvalidDataException(NothingIn(folder, site));
        var own = found.Where(carry => carry.Manifest.Fleet == fleet && carry.Manifest.Site == site)
            .MaxBy(carry => carry.Manifest.Generation) ?? throw new InvalidDataException(OthersIn(folder, found, fleet, site));
        if (own.Manifest.SealingKey != sealingKey)
            throw new InvalidDataException($"{own.Path}: is sealed to a key that this site does not have: it was made before this machine "
                + $"joined, or for another machine; export again: capillary site export {site} --to DIR");
        own.RequireWhole();
        return own;
    }

    /// <summary>Opens one file into <paramref name="into"/>.</summary>
    /// <exception cref="InvalidDataException">It cannot be opened; says why.</exception>
    public async Task OpenAsync(string file, SealingKey own, Stream into, long mostBytes, CancellationToken stop)
    {
        var path = System.IO.Path.Combine(Path, file);
        var info = SealedFile.InfoOf(Manifest.Fleet, Manifest.Site, Manifest.Generation, file);
        string? problem;
        await using (var sealedBytes = Read(path)) problem = await SealedFile.OpenAsync(own, info, sealedBytes, into, mostBytes, stop);
        if (problem is null) return;
        // The manifest tells a worn stick from a wrong sealing; it is asked only now, as that reads the file once more.
        await using var again = Read(path);
        var isAsWritten = Manifest.Files.FirstOrDefault(item => item.Name == file)?.Digest
            == Digest.FromHash(await SHA256.HashDataAsync(again, stop));
        throw new InvalidDataException(isAsWritten
            ? $"{path}: was not sealed for this site, generation and place; export again"
            : $"{path}: {problem}: it was changed since it was written; export again, on another stick if this one is worn");
    }

    private static FileStream Read(string path) =>
        new(path, new FileStreamOptions { BufferSize = 0, Options = FileOptions.SequentialScan });

    private void RequireWhole()
    {
        foreach (var file in Manifest.Files)
        {
            var there = new FileInfo(System.IO.Path.Combine(Path, file.Name));
            if (there.Exists && there.Length == file.Size) continue;
            throw new InvalidDataException($"{there.FullName}: {(there.Exists
                ? $"has {there.Length} bytes of {file.Size}" : "is missing")}; the stick was pulled while it was written, or not all was "
                + "copied: copy or export again");
        }
    }

    private static List<string> Candidates(string folder)
    {
        if (File.Exists(System.IO.Path.Combine(folder, CarryManifest.FileName))) return [folder];
        return [.. Directory.EnumerateDirectories(folder).Take(MostFolders)
            .Where(path => System.IO.Path.GetFileName(path)[0] != '.'
                && File.Exists(System.IO.Path.Combine(path, CarryManifest.FileName)))];
    }

    private static string NothingIn(string folder, SiteId site)
    {
        var again = $"capillary site export {site} --to DIR";
        var half = Directory.EnumerateDirectories(folder).FirstOrDefault(path =>
            path.EndsWith(CarryWriter.PartSuffix, StringComparison.Ordinal) || File.Exists(System.IO.Path.Combine(path,
                CarryManifest.ProofFile)));
        return half is null && !File.Exists(System.IO.Path.Combine(folder, CarryManifest.ProofFile))
            ? $"{folder}: holds nothing for a site; make it where the hub is: {again}"
            : $"{half ?? folder}: is unfinished: the stick was pulled while it was written; export again: {again}";
    }

    private static string OthersIn(string folder, List<CarryFolder> found, FleetName fleet, SiteId site)
    {
        var others = found.Select(carry => carry.Manifest.Fleet == fleet
            ? $"site {carry.Manifest.Site}" : $"site {carry.Manifest.Site} of fleet {carry.Manifest.Fleet}").Distinct().Order().ToList();
        var shown = string.Join(", ", others.Take(5)) + (others.Count > 5 ? $" and {others.Count - 5} more" : "");
        return $"{folder}: is for {shown}; this is site {site} of fleet {fleet}; nothing was changed";
    }
}
