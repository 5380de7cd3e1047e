using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Capillary.Core.Trust;

namespace Capillary.Tests.Core.Trust;

/// <summary>A private key for tests: one of <c>test-keys.txt</c>, or a fresh one where no golden file needs it.</summary>
internal sealed class TestKey
{
    private static readonly Lazy<Dictionary<string, TestKey>> Stored = new(() => Load());
    private readonly byte[] pkcs8;

    private TestKey(byte[] pkcs8)
    {
        this.pkcs8 = pkcs8;
        using var key = Open();
        Public = PublicKey.FromSpki(key.ExportSubjectPublicKeyInfo());
    }

    public PublicKey Public { get; }

    public string Id => Public.Id;

    public static TestKey Named(string name) => Stored.Value[name];

    public static TestKey Fresh()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new TestKey(key.ExportPkcs8PrivateKey());
    }

    public Signature Sign(string type, byte[] payload)
    {
        using var key = Open();
        return new(Id, key.SignData(Envelope.PreAuthEncode(type, payload), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    private ECDsa Open()
    {
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8, out _);
        return key;
    }

    private static Dictionary<string, TestKey> Load([CallerFilePath] string here = "") =>
        File.ReadLines(Path.Combine(Path.GetDirectoryName(here)!, "test-keys.txt"))
            .Where(line => !line.StartsWith('#')).Select(line => line.Split(' '))
            .ToDictionary(parts => parts[0], parts => new TestKey(Convert.FromBase64String(parts[1])));
}
