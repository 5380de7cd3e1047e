using System.Formats.Tar;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Capillary.Core.Identity;

namespace Capillary.Core.Bundles;

/// <summary>
/// One app as it stands in a bundle: <c>app.json</c>, then <c>files/…</c> (rendered plain files that File objects name), then
/// <c>objects/…json</c> (rendered objects). Stored as an uncompressed USTAR with entries in ordinal order, mode 0644, uid, gid and
/// mtime 0.
/// </summary>
/// <param name="Name">The app.</param>
/// <param name="Objects">Rendered objects as canonical JSON, keyed <c>Kind.name</c>, on a Kubernetes site
/// <c>Kind.group/namespace/name</c> (docs/bundle-format.md).</param>
/// <param name="Files">Rendered plain files, keyed by their path below the app's templates folder, <c>/</c>-separated.</param>
/// <param name="HealthDeadlineSeconds">How long the app may take to become healthy after it was applied, 1 to 86,400.</param>
public sealed record AppLayer(
    AppName Name,
    IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Objects,
    IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Files,
    int HealthDeadlineSeconds)
{
    /// <summary>The longest layer that is read, in bytes.</summary>
    public const int MaxBytes = 64 << 20;

    private const string SettingsEntry = "app.json";
    private const string ObjectsFolder = "objects/";
    private const string FilesFolder = "files/";
    private const int TarBlock = 512;
    private const int MaxDeadline = 86_400;
    private const UnixFileMode FileMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>
    /// How the app is applied to a cluster: a JSON object as <c>KubernetesPolicyJson</c> writes and reads it; null on hosts, and where
    /// all is as usual.
    /// </summary>
    public string? Kubernetes { get; init; }

    /// <summary>The canonical bytes. A path longer than USTAR holds (100 characters, 255 with a prefix) is an error.</summary>
    /// <exception cref="BundleFormatException">A path does not fit or is not plain, or the layer is too large.</exception>
    public byte[] ToBytes()
    {
        if (HealthDeadlineSeconds is < 1 or > MaxDeadline)
            throw new BundleFormatException($"app '{Name}': healthDeadlineSeconds is {HealthDeadlineSeconds}, expected 1 to {MaxDeadline}");
        var entries = new SortedDictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal) { [SettingsEntry] = Settings() };
        foreach (var (key, value) in Objects) entries.Add($"{ObjectsFolder}{key}.json", value);
        foreach (var (key, value) in Files) entries.Add(FilesFolder + key, value);
        using var stream = new MemoryStream(TarLength(entries.Values));
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                if (!IsPlain(name)) throw new BundleFormatException($"app '{Name}': '{name}' is not a plain path");
                Write(tar, name, content);
            }
        }
        if (stream.Length > MaxBytes) throw new BundleFormatException($"app '{Name}': {stream.Length} bytes, at most {MaxBytes}");
        return stream.Length == stream.Capacity ? stream.GetBuffer() : stream.ToArray();
    }

    /// <summary>A header and whole blocks for each entry, and two empty blocks at the end.</summary>
    private static int TarLength(IEnumerable<ReadOnlyMemory<byte>> contents)
    {
        var blocks = 2L + contents.Sum(content => 1L + ((content.Length + TarBlock - 1) / TarBlock));
        return (int)Math.Min(blocks * TarBlock, MaxBytes);
    }

    /// <exception cref="BundleFormatException">
    /// The bytes are not an app layer, or hold anything but regular files at known places in ordinal order.
    /// </exception>
    public static AppLayer Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > MaxBytes) throw new BundleFormatException($"app layer: {bytes.Length} bytes, at most {MaxBytes}");
        var objects = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        var files = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        ReadOnlyMemory<byte>? settings = null;
        var last = "";
        try
        {
            using var tar = new TarReader(new MemoryStream(bytes.ToArray(), writable: false));
            while (tar.GetNextEntry() is { } entry)
            {
                Require(entry, last, bytes.Length);
                last = entry.Name;
                var content = Content(entry);
                if (entry.Name == SettingsEntry) settings = content;
                else if (Key(entry.Name, ObjectsFolder, ".json") is { } name) objects.Add(name, content);
                else if (Key(entry.Name, FilesFolder, "") is { } path) files.Add(path, content);
                else throw new BundleFormatException($"app layer: unexpected entry '{entry.Name}'");
            }
            return Create(settings ?? throw new BundleFormatException("app layer: app.json is missing"), objects, files);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or JsonException or FormatException or IOException
            or InvalidOperationException or KeyNotFoundException or ArgumentException or NotSupportedException or ArithmeticException)
        {
            throw new BundleFormatException($"app layer: {e.Message}", e);
        }
    }

    // What another reader of the same bytes might see otherwise is refused: doubled and unordered names, paths that climb, other types.
    private static void Require(TarEntry entry, string last, int bytes)
    {
        if (entry.EntryType is not TarEntryType.RegularFile) throw new BundleFormatException($"app layer: '{entry.Name}' is not a file");
        if (!IsPlain(entry.Name)) throw new BundleFormatException($"app layer: '{entry.Name}' is not a plain path");
        if (string.CompareOrdinal(entry.Name, last) <= 0) throw new BundleFormatException($"app layer: '{entry.Name}' after '{last}'");
        if (entry.Length > bytes) throw new BundleFormatException($"app layer: '{entry.Name}' claims {entry.Length} bytes");
    }

    private static bool IsPlain(string path) =>
        !path.Contains('\\') && !path.Contains('\0') && !path.Split('/').Any(segment => segment is "" or "." or "..");

    private static AppLayer Create(ReadOnlyMemory<byte> settings, Dictionary<string, ReadOnlyMemory<byte>> objects,
        Dictionary<string, ReadOnlyMemory<byte>> files)
    {
        using var json = JsonDocument.Parse(settings, new JsonDocumentOptions { AllowDuplicateProperties = false });
        var root = json.RootElement;
        if (root.GetProperty("v").GetInt32() != 1) throw new BundleFormatException("app layer: app.json is of an unknown version");
        var name = new AppName(root.GetProperty("name").GetString() ?? "");
        var deadline = root.GetProperty("healthDeadlineSeconds").GetInt32();
        if (deadline is < 1 or > MaxDeadline) throw new BundleFormatException($"app layer: healthDeadlineSeconds is {deadline}");
        string? kubernetes = null;
        if (root.TryGetProperty("kubernetes", out var policy))
        {
            if (policy.ValueKind != JsonValueKind.Object) throw new BundleFormatException("app layer: kubernetes is no object");
            kubernetes = policy.GetRawText();
        }
        return new AppLayer(name, objects, files, deadline) { Kubernetes = kubernetes };
    }

    private ReadOnlyMemory<byte> Settings() => Encoding.UTF8.GetBytes(
        $"{{\"v\":1,\"name\":\"{Name}\",\"healthDeadlineSeconds\":{HealthDeadlineSeconds}{Policy()}}}");

    private string Policy() => Kubernetes is null ? "" : $",\"kubernetes\":{Kubernetes}";

    private static string? Key(string name, string folder, string suffix) =>
        name.Length > folder.Length + suffix.Length && name.StartsWith(folder, StringComparison.Ordinal)
        && name.EndsWith(suffix, StringComparison.Ordinal) ? name[folder.Length..^suffix.Length] : null;

    private static ReadOnlyMemory<byte> Content(TarEntry entry)
    {
        if (entry.DataStream is not { } data) return default;
        var content = new byte[checked((int)entry.Length)];
        data.ReadExactly(content);
        return content;
    }

    private static void Write(TarWriter tar, string name, ReadOnlyMemory<byte> content)
    {
        var entry = new UstarTarEntry(TarEntryType.RegularFile, name)
        {
            Mode = FileMode,
            ModificationTime = DateTimeOffset.UnixEpoch,
            Uid = 0,
            Gid = 0,
            DataStream = AsStream(content),
        };
        try
        {
            tar.WriteEntry(entry);
        }
        catch (ArgumentException e)
        {
            throw new BundleFormatException($"path '{name}' is too long for a bundle: at most 100 characters, or 255 with folders", e);
        }
    }

    private static MemoryStream AsStream(ReadOnlyMemory<byte> content) => MemoryMarshal.TryGetArray(content, out var array)
        ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
        : new MemoryStream(content.ToArray(), writable: false);
}
