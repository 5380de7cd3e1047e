using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;

namespace Capillary.EndToEnd.Image;

/// <summary>What the agent as it ships needs around it, as an image of one layer, made of this machine's Debian packages.</summary>
/// <param name="Layer">The layer, gzip.</param>
/// <param name="Config">The image's configuration.</param>
/// <param name="Manifest">The OCI manifest that names both.</param>
internal sealed record BaseImage(byte[] Layer, byte[] Config, byte[] Manifest)
{
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>The account of the agent in the container: nobody's anywhere else.</summary>
    public const int User = 65532;

    private const UnixFileMode Folder = (UnixFileMode)0x1ED; // 0755
    private const UnixFileMode Shared = (UnixFileMode)0x3FF; // 1777

    // zlib and zstd are OpenSSL's own needs.
    private static readonly string[] Packages = ["libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libzstd1", "ca-certificates", "tzdata"];

    // One of these. The older Debian's first: a machine that knows a newer one too would mix that one's OpenSSL with its own older libc.
    private static readonly string[] OpenSsl = ["libssl3", "libssl3t64"];

    private static readonly string[] Unneeded =
    [
        "usr/share/man", "usr/share/lintian", "usr/share/locale", "usr/share/ca-certificates", "usr/share/zoneinfo/right",
        "usr/sbin", "usr/bin", "etc/ld.so.conf.d", "var",
    ];

    /// <exception cref="HarnessException">This machine is no Debian, or its package lists are too old.</exception>
    public static async Task<BaseImage> MakeAsync(string folder, CancellationToken stop)
    {
        var (packages, root) = (Path.Combine(folder, "packages"), Path.Combine(folder, "root"));
        Directory.CreateDirectory(packages);
        Directory.CreateDirectory(root);
        await DownloadAsync(packages, stop);
        foreach (var file in Directory.EnumerateFiles(packages, "*.deb").Order(StringComparer.Ordinal))
            await NodeProcess.RunAsync("dpkg-deb", ["--extract", file, root], stop);
        Finish(root);
        return Pack(root);
    }

    private static async Task DownloadAsync(string folder, CancellationToken stop)
    {
        var said = "";
        foreach (var openSsl in OpenSsl)
        {
            var (code, _, errors) = await NodeProcess.TryRunAsync("apt-get", ["download", "-qq", .. Packages, openSsl], stop, folder);
            if (code == 0) return;
            said = errors.Trim();
        }
        throw new HarnessException($"Debian's packages that the image is made of cannot be had: {said}; try: apt-get update");
    }

    /// <summary>What the packages' own scripts would do, and nobody needs more of.</summary>
    private static void Finish(string root)
    {
        var authorities = Directory.EnumerateFiles(Path.Combine(root, "usr/share/ca-certificates"), "*.crt", SearchOption.AllDirectories);
        var bundle = string.Join('\n', authorities.Order(StringComparer.Ordinal).Select(File.ReadAllText));
        foreach (var path in Unneeded.Select(path => Path.Combine(root, path)).Where(Directory.Exists))
            Directory.Delete(path, recursive: true);
        foreach (var encodings in Directory.EnumerateDirectories(root, "gconv", SearchOption.AllDirectories).ToList())
            Directory.Delete(encodings, recursive: true);
        // What licences ask to go with the programs stays; the rest of the documentation does not.
        foreach (var file in Directory.EnumerateFiles(Path.Combine(root, "usr/share/doc"), "*", SearchOption.AllDirectories).ToList())
        {
            if (Path.GetFileName(file) != "copyright") File.Delete(file);
        }
        foreach (var name in (string[])["lib", "lib64"])
        {
            // Newer packages hold them below /usr only.
            if (!Directory.Exists(Path.Combine(root, name)) && Directory.Exists(Path.Combine(root, "usr", name)))
                File.CreateSymbolicLink(Path.Combine(root, name), $"usr/{name}");
        }
        Put(root, "etc/ssl/certs/ca-certificates.crt", bundle);
        Put(root, "etc/passwd", $"root:x:0:0:root:/:/nologin\ncapillary:x:{User}:{User}:capillary:/data:/nologin\n");
        Put(root, "etc/group", $"root:x:0:\ncapillary:x:{User}:\n");
        foreach (var name in (string[])["data", "tmp"]) Directory.CreateDirectory(Path.Combine(root, name));
    }

    private static void Put(string root, string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, path))!);
        File.WriteAllText(Path.Combine(root, path), text);
    }

    private static BaseImage Pack(string root)
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true)) Write(writer, root, "");
        using var layer = new MemoryStream();
        tar.Position = 0;
        using (var zip = new GZipStream(layer, CompressionLevel.Optimal, leaveOpen: true)) tar.CopyTo(zip);
        tar.Position = 0;
        var config = JsonSerializer.SerializeToUtf8Bytes(new
        {
            architecture = "amd64", os = "linux", created = "1970-01-01T00:00:00Z", config = new { Env = new[] { "PATH=/app" } },
            rootfs = new { type = "layers", diff_ids = new[] { Digest(SHA256.HashData(tar)) } },
            history = new[] { new { created = "1970-01-01T00:00:00Z", created_by = "./dev image" } },
        });
        var manifest = JsonSerializer.SerializeToUtf8Bytes(new
        {
            schemaVersion = 2, mediaType = ManifestType,
            config = Describe("application/vnd.oci.image.config.v1+json", config),
            layers = new[] { Describe("application/vnd.oci.image.layer.v1.tar+gzip", layer.ToArray()) },
        });
        return new BaseImage(layer.ToArray(), config, manifest);
    }

    public static string Digest(byte[] hash) => $"sha256:{Convert.ToHexStringLower(hash)}";

    private static object Describe(string type, byte[] content) =>
        new { mediaType = type, digest = Digest(SHA256.HashData(content)), size = content.Length };

    /// <summary>In ordinal order and without times, so that the same packages make the same layer.</summary>
    private static void Write(TarWriter writer, string root, string path)
    {
        foreach (var full in Directory.EnumerateFileSystemEntries(Path.Combine(root, path)).Order(StringComparer.Ordinal))
        {
            var (name, info) = (Path.GetRelativePath(root, full), new FileInfo(full));
            var isFolder = info.LinkTarget is null && Directory.Exists(full);
            using var content = info.LinkTarget is null && !isFolder ? File.OpenRead(full) : null;
            var type = info.LinkTarget is not null ? TarEntryType.SymbolicLink
                : isFolder ? TarEntryType.Directory : TarEntryType.RegularFile;
            var entry = new PaxTarEntry(type, name)
            {
                ModificationTime = DateTimeOffset.UnixEpoch,
                Mode = name == "tmp" ? Shared : isFolder ? Folder : info.UnixFileMode,
                Uid = name == "data" ? User : 0,
                Gid = name == "data" ? User : 0,
            };
            if (content is not null) entry.DataStream = content;
            if (info.LinkTarget is { } target) entry.LinkName = target;
            writer.WriteEntry(entry);
            if (isFolder) Write(writer, root, name);
        }
    }
}
