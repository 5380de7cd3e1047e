namespace Capillary.Core.Bundles;

/// <summary>Points at a blob (OCI image spec, descriptor.md): what it is, its name and its length.</summary>
/// <param name="MediaType">One of <see cref="MediaTypes"/>.</param>
/// <param name="Digest">The blob's name.</param>
/// <param name="Size">Length in bytes, 0 or more.</param>
/// <param name="Title">The app's or artifact's name, kept as an annotation; null for the config.</param>
public sealed record Descriptor(string MediaType, Digest Digest, long Size, string? Title = null);

/// <summary>The media types of a bundle.</summary>
public static class MediaTypes
{
    public const string Manifest = "application/vnd.oci.image.manifest.v1+json";
    public const string Bundle = "application/vnd.capillary.bundle.v1";
    public const string App = "application/vnd.capillary.app.v1.tar";
    public const string Artifact = "application/vnd.capillary.artifact.v1";
    public const string Empty = "application/vnd.oci.empty.v1+json";
}

/// <summary>Bytes with their name.</summary>
public sealed record Blob(Digest Digest, ReadOnlyMemory<byte> Content)
{
    public static Blob Of(ReadOnlyMemory<byte> content) => new(Digest.Of(content.Span), content);
}

/// <summary>Bytes from outside break a format rule; the message says which and where.</summary>
public sealed class BundleFormatException(string message, Exception? inner = null) : Exception(message, inner);
