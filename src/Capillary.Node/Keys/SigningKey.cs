using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Capillary.Core.Trust;
using Capillary.Node.Journal;
using PublicKey = Capillary.Core.Trust.PublicKey;

namespace Capillary.Node.Keys;

/// <summary>An ECDSA P-256 private key of this node: signs documents and proves the node on its links.</summary>
public sealed class SigningKey : IDisposable
{
    private readonly ECDsa key;

    private SigningKey(ECDsa key)
    {
        this.key = key;
        Public = PublicKey.FromSpki(key.ExportSubjectPublicKeyInfo());
    }

    public PublicKey Public { get; }

    /// <summary>A fresh key that stands on no disk.</summary>
    public static SigningKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>The key in a PKCS#8 PEM file of mode 0600; made there when the file does not exist.</summary>
    /// <exception cref="InvalidDataException">The file holds no such key, or others can read it.</exception>
    public static SigningKey LoadOrCreate(string path)
    {
        if (File.Exists(path)) return Load(path);
        var made = Create();
        AtomicFile.Write(path, System.Text.Encoding.ASCII.GetBytes(made.key.ExportPkcs8PrivateKeyPem()));
        return made;
    }

    /// <exception cref="InvalidDataException">The file holds no such key, or others can read it.</exception>
    public static SigningKey Load(string path)
    {
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if ((File.GetUnixFileMode(path) & Others) != 0)
            throw new InvalidDataException($"{path}: other users can read this private key; run: chmod 600 {path}");
        return FromPem(File.ReadAllText(path), path);
    }

    /// <exception cref="InvalidDataException">The text holds no P-256 private key.</exception>
    public static SigningKey FromPem(string pem, string place)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            return new SigningKey(key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or FormatException)
        {
            key.Dispose();
            throw new InvalidDataException($"{place}: is not a P-256 private key in PEM form", e);
        }
    }

    /// <summary>An envelope with this key's one signature.</summary>
    public Envelope Sign(string payloadType, byte[] payload) => new(payloadType, payload, [SignatureOf(payloadType, payload)]);

    /// <summary>This key's signature, to stand beside others.</summary>
    public Signature SignatureOf(string payloadType, byte[] payload) =>
        new(Public.Id, key.SignData(Envelope.PreAuthEncode(payloadType, payload), HashAlgorithmName.SHA256,
            DSASignatureFormat.Rfc3279DerSequence));

    /// <summary>
    /// A self-made certificate around the key, for TLS. Its dates and issuer mean nothing: the peer looks up the key in a signed record.
    /// </summary>
    public X509Certificate2 ToCertificate()
    {
        var request = new CertificateRequest("CN=capillary", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(9999, 12, 31, 0, 0, 0, TimeSpan.Zero));
    }

    /// <summary>The identity key that stands in a peer's certificate; null when it is of another kind.</summary>
    public static PublicKey? KeyOf(X509Certificate? certificate)
    {
        if (certificate is not X509Certificate2 peer) return null;
        try
        {
            return PublicKey.FromSpki(peer.PublicKey.ExportSubjectPublicKeyInfo());
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }

    public void Dispose() => key.Dispose();
}
