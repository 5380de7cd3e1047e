using System.Security.Cryptography;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.EdgeAgent.Apply.Host;

namespace Capillary.EdgeAgent.Apply;

/// <summary>Reads bundles from the local blobs. Layers are read whole and let go; artifacts are streamed.</summary>
internal sealed class BundleReader(Func<Digest, string?> blobs)
{
    /// <exception cref="StepException">Missing or not valid.</exception>
    public BundleContent Read(Digest bundle) => BundleContent.Load(bundle, Bytes) switch
    {
        BundleLoad.Loaded loaded => loaded.Content,
        BundleLoad.Missing missing => throw new StepException(
            ConditionCodes.BlobsMissing, "", $"blob {missing.Blob} of {bundle} is not here", false),
        BundleLoad.Invalid invalid => throw new StepException(ConditionCodes.BundleInvalid, "", invalid.Reason, true),
        var other => throw new InvalidOperationException(other.ToString()),
    };

    /// <summary>Writes a file's content into an open file; the bytes of an artifact must be those of its name.</summary>
    public void Copy(BundleContent content, DesiredFile file, int target)
    {
        var app = content.Apps.First(candidate => candidate.Name == file.App);
        var source = app.Files.First(candidate => candidate.Name == file.Name);
        if (app.Bytes(source) is { } bytes) FolderHandle.Append(target, bytes.Span, file.Path);
        else Stream(file, target);
    }

    private void Stream(DesiredFile file, int target)
    {
        var path = blobs(file.Digest)
            ?? throw new StepException(ConditionCodes.BlobsMissing, "", $"artifact {file.Digest} is not here", false);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var source = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var buffer = new byte[64 << 10];
        for (var at = 0L; RandomAccess.Read(source, buffer, at) is > 0 and var count; at += count)
        {
            hash.AppendData(buffer.AsSpan(0, count));
            FolderHandle.Append(target, buffer.AsSpan(0, count), file.Path);
        }
        if (Digest.FromHash(hash.GetHashAndReset()) != file.Digest)
            throw new StepException(ConditionCodes.BundleInvalid, file.Path, $"the bytes of {file.Digest} have another digest", true);
    }

    private ReadOnlyMemory<byte>? Bytes(Digest digest)
    {
        if (blobs(digest) is not { } path) return null;
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
