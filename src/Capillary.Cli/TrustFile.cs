using System.Security.Cryptography;
using System.Text.Json;
using Capillary.Core.Trust;
using Capillary.Node.Journal;
using Capillary.Node.Keys;

namespace Capillary.Cli;

/// <summary>A key file of a ceremony: a root key, or its public half alone.</summary>
/// <param name="Public">The public half.</param>
/// <param name="Private">The key itself; null when the file holds only the public half.</param>
internal sealed record RootKeyFile(PublicKey Public, SigningKey? Private)
{
    /// <exception cref="InvalidDataException">The file is missing, holds no such key, or others can read a private one.</exception>
    public static RootKeyFile Read(string path)
    {
        if (!File.Exists(path))
            throw new InvalidDataException($"{path}: no such file; make a root key with: capillary trust key --out FILE");
        var text = File.ReadAllText(path);
        if (text.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            var key = SigningKey.Load(path);
            return new(key.Public, key);
        }
        try
        {
            var place = PemEncoding.Find(text);
            return new(PublicKey.FromSpki(Convert.FromBase64String(text[place.Base64Data])), null);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            throw new InvalidDataException($"{path}: is not a P-256 key in PEM form", e);
        }
    }

    /// <summary>The same, of a file that must hold the private key.</summary>
    /// <inheritdoc cref="Read"/>
    public static SigningKey ReadPrivate(string path) => Read(path).Private
        ?? throw new InvalidDataException($"{path}: holds only the public half; signing needs the private root key");
}

/// <summary>
/// The next trust root on its way between the holders of root keys: the root in force, the next one, and the signatures so far.
/// </summary>
/// <param name="Current">The trust root in force.</param>
/// <param name="Next">The next one.</param>
internal sealed record TrustFile(Envelope Current, Envelope Next)
{
    /// <summary>Trust roots up to the current one that the hub lacks: it came back from a backup of before a rotation.</summary>
    public IReadOnlyList<Envelope> After { get; init; } = [];

    private TrustRoot CurrentRoot => TrustRoot.Parse(Current);

    public TrustRoot NextRoot => TrustRoot.Parse(Next);

    /// <exception cref="InvalidDataException">The file is missing or no such file.</exception>
    public static TrustFile Read(string path)
    {
        if (!File.Exists(path)) throw new InvalidDataException($"{path}: no such file");
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var file = new TrustFile(Envelope.Parse(Bytes(json, "current")), Envelope.Parse(Bytes(json, "next")))
            {
                After = json.RootElement.TryGetProperty("after", out var after)
                    ? [.. after.EnumerateArray().Select(one => Envelope.Parse(System.Text.Encoding.UTF8.GetBytes(one.GetRawText())))] : [],
            };
            TrustChain.Begin(file.Current);
            if (file.NextRoot.Version != file.CurrentRoot.Version + 1 || file.NextRoot.Fleet != file.CurrentRoot.Fleet)
                throw new InvalidDataException($"{path}: the next trust root does not follow the current one");
            return file;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or TrustFormatException)
        {
            throw new InvalidDataException($"{path}: is not a file of 'capillary trust rotate': {e.Message}", e);
        }
    }

    public void Write(string path)
    {
        var after = After.Count == 0 ? "" : $"\"after\":[{string.Join(',', After.Select(Text))}],";
        var text = $"{{\"v\":1,{after}\"current\":{Text(Current)},\"next\":{Text(Next)}}}\n";
        AtomicFile.Write(path, System.Text.Encoding.UTF8.GetBytes(text));
    }

    /// <summary>With one more signature.</summary>
    /// <exception cref="InvalidDataException">The key is no root key of either version.</exception>
    public TrustFile Sign(SigningKey key)
    {
        if (!CurrentRoot.RootKeys.Concat(NextRoot.RootKeys).Contains(key.Public))
            throw new InvalidDataException(
                $"key {key.Public.Id} is a root key neither of version {CurrentRoot.Version} nor of {NextRoot.Version}");
        if (Next.Signatures.Any(signature => signature.Keyid == key.Public.Id)) return this;
        return this with { Next = Next with { Signatures = [.. Next.Signatures, key.SignatureOf(PayloadTypes.TrustRoot, Next.Payload)] } };
    }

    /// <summary>What is still to be signed, for a person; null when nothing is.</summary>
    public string? Missing()
    {
        var (current, next) = (CurrentRoot, NextRoot);
        var parts = new List<string>();
        foreach (var root in (TrustRoot[])[current, next])
        {
            var have = Next.CountSigners(PayloadTypes.TrustRoot, root.RootKeys);
            if (have < root.Threshold) parts.Add($"{have} of {root.Threshold} root keys of version {root.Version} have signed");
        }
        return parts.Count == 0 ? null : string.Join("; ", parts);
    }

    /// <summary>What the next version changes, a line each, so that nobody signs what he did not mean to.</summary>
    public IEnumerable<string> Changes()
    {
        var (current, next) = (CurrentRoot, NextRoot);
        yield return $"fleet {next.Fleet}: trust root version {current.Version} -> {next.Version}";
        foreach (var (use, old, now) in ((string, IReadOnlyList<PublicKey>, IReadOnlyList<PublicKey>)[])
            [("root", current.RootKeys, next.RootKeys), ("release", current.ReleaseKeys, next.ReleaseKeys),
                ("beacon", current.BeaconKeys, next.BeaconKeys)])
        {
            foreach (var key in old.Except(now)) yield return $"  - {use} key {key.Id}";
            foreach (var key in now.Except(old)) yield return $"  + {use} key {key.Id}";
        }
        if (current.Threshold != next.Threshold) yield return $"  threshold {current.Threshold} -> {next.Threshold}";
    }

    /// <summary>The hub could ask for a signature on something else than what it was told to prepare.</summary>
    /// <exception cref="InvalidDataException">It did.</exception>
    public void RequireOnly(bool release, bool beacon, IReadOnlyList<PublicKey>? rootKeys, int? threshold)
    {
        var (current, next) = (CurrentRoot, NextRoot);
        var fits = next.Version == current.Version + 1 && next.Fleet == current.Fleet
            && next.RootKeys.SequenceEqual(rootKeys ?? current.RootKeys) && next.Threshold == (threshold ?? current.Threshold)
            && (release || next.ReleaseKeys.SequenceEqual(current.ReleaseKeys))
            && (beacon || next.BeaconKeys.SequenceEqual(current.BeaconKeys));
        if (!fits)
            throw new InvalidDataException("the hub prepared another trust root than it was asked for; do not sign it, look at the hub");
    }

    private static byte[] Bytes(JsonDocument json, string member) =>
        System.Text.Encoding.UTF8.GetBytes(json.RootElement.GetProperty(member).GetRawText());

    private static string Text(Envelope envelope) => System.Text.Encoding.UTF8.GetString(envelope.ToBytes());
}
