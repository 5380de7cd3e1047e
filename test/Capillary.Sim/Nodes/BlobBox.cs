using Capillary.Core.Bundles;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>Blobs on a node's disk, and bringing bundles here from the parent, as <c>BlobStore</c> and <c>BlobFetcher</c> do it.</summary>
internal sealed class BlobBox(SimDisk disk, UpLink link)
{
    private const string Folder = "blob/";

    public static string NameOf(Digest digest) => Folder + digest.Hex;

    public byte[]? Read(Digest digest) => disk.Read(NameOf(digest));

    public bool IsComplete(Digest bundle) => IsComplete(disk, bundle);

    /// <summary>The manifest and all that it names are on this disk.</summary>
    public static bool IsComplete(SimDisk disk, Digest bundle)
    {
        if (disk.Read(NameOf(bundle)) is not { } manifest) return false;
        return Parse(manifest) is { } parsed && parsed.Blobs.All(blob => disk.Has(NameOf(blob.Digest)));
    }

    /// <summary>Answers once: null when all is here, else why not.</summary>
    public void Fetch(Digest bundle, Action<string?> done) => Bring(bundle, problem =>
    {
        if (problem is not null) done(problem);
        else if (Parse(Read(bundle)!) is not { } manifest) done("not a manifest");
        else BringAll([.. manifest.Blobs.Select(blob => blob.Digest).Distinct()], 0, done);
    });

    private void BringAll(List<Digest> blobs, int next, Action<string?> done)
    {
        while (next < blobs.Count && disk.Has(NameOf(blobs[next]))) next++;
        if (next == blobs.Count)
        {
            done(null);
            return;
        }
        Bring(blobs[next], problem =>
        {
            if (problem is not null) done(problem);
            else BringAll(blobs, next + 1, done);
        });
    }

    private void Bring(Digest digest, Action<string?> done)
    {
        if (disk.Has(NameOf(digest)))
        {
            done(null);
            return;
        }
        link.Ask(digest, content => done(Keep(digest, content)));
    }

    private string? Keep(Digest digest, byte[]? content)
    {
        if (content is null) return "not now";
        if (Digest.Of(content) != digest) return "wrong bytes";
        try
        {
            disk.Replace(NameOf(digest), content);
            return null;
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    private static BundleManifest? Parse(byte[] bytes)
    {
        try
        {
            return BundleManifest.Parse(bytes);
        }
        catch (BundleFormatException)
        {
            return null;
        }
    }
}
