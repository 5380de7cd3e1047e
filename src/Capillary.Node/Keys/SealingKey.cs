using System.Security.Cryptography;
using System.Text;
using Capillary.Node.Journal;
using PublicKey = Capillary.Core.Trust.PublicKey;

namespace Capillary.Node.Keys;

/// <summary>An ECDH P-256 private key of this node: opens what was sealed to it (HPKE, RFC 9180). It never signs.</summary>
public sealed class SealingKey : IDisposable
{
    private readonly ECDiffieHellman key;

    private SealingKey(ECDiffieHellman key)
    {
        this.key = key;
        Public = PublicKey.FromSpki(key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>What stands in the node's record.</summary>
    public PublicKey Public { get; }

    /// <summary>A fresh key that stands on no disk; also the ephemeral key of one sealing.</summary>
    public static SealingKey Create() => new(ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>The key in a PKCS#8 PEM file of mode 0600; made there when the file does not exist.</summary>
    /// <exception cref="InvalidDataException">The file holds no such key, or others can read it.</exception>
    public static SealingKey LoadOrCreate(string path)
    {
        if (File.Exists(path)) return Load(path);
        var made = Create();
        AtomicFile.Write(path, Encoding.ASCII.GetBytes(made.key.ExportPkcs8PrivateKeyPem()));
        return made;
    }

    /// <exception cref="InvalidDataException">The file holds no such key, or others can read it.</exception>
    public static SealingKey Load(string path)
    {
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if ((File.GetUnixFileMode(path) & Others) != 0)
            throw new InvalidDataException($"{path}: other users can read this private key; run: chmod 600 {path}");
        var key = ECDiffieHellman.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(path));
            return new SealingKey(key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or FormatException)
        {
            key.Dispose();
            throw new InvalidDataException($"{path}: is not a P-256 private key in PEM form", e);
        }
    }

    /// <summary>The key itself, for HPKE; lives as long as this.</summary>
    public ECDiffieHellman Secret => key;

    public void Dispose() => key.Dispose();
}
