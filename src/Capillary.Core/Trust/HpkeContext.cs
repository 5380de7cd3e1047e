using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Capillary.Core.Trust;

/// <summary>
/// Several messages between one sender and one recipient, each under the next sequence number (RFC 9180 section 5.2). One that is left
/// out, repeated or out of order does not open. Used in one direction, by one thread.
/// </summary>
public sealed class HpkeContext : IDisposable
{
    private readonly AesGcm cipher;
    private readonly byte[] baseNonce;
    private ulong sequence;
    private bool spent;

    internal HpkeContext(byte[] key, byte[] baseNonce)
    {
        this.baseNonce = baseNonce;
        cipher = new AesGcm(key, Hpke.TagBytes);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>Number of the next message, from 0; up to 2^64-1, fewer than the 2^96-1 that RFC 9180 allows.</summary>
    internal ulong Sequence
    {
        get => sequence;
        set => sequence = value;
    }

    /// <summary>Seals the next message.</summary>
    /// <param name="aad">What the recipient must know too, and is not in the message.</param>
    /// <param name="plaintext">The message.</param>
    /// <param name="ciphertext">Takes it; <see cref="Hpke.TagBytes"/> longer than <paramref name="plaintext"/>.</param>
    /// <exception cref="InvalidOperationException">All sequence numbers were used.</exception>
    public void Seal(ReadOnlySpan<byte> aad, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(ciphertext.Length, plaintext.Length + Hpke.TagBytes);
        Span<byte> nonce = stackalloc byte[baseNonce.Length];
        NextNonce(nonce);
        cipher.Encrypt(nonce, plaintext, ciphertext[..plaintext.Length], ciphertext[plaintext.Length..], aad);
        Advance();
    }

    /// <summary>Opens the next message. False, and the number is not used up, when it is not the one that was sealed.</summary>
    /// <param name="aad">As the sender gave it.</param>
    /// <param name="ciphertext">The message.</param>
    /// <param name="plaintext">Takes it; <see cref="Hpke.TagBytes"/> shorter than <paramref name="ciphertext"/>.</param>
    /// <exception cref="InvalidOperationException">All sequence numbers were used.</exception>
    public bool TryOpen(ReadOnlySpan<byte> aad, ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
    {
        if (ciphertext.Length < Hpke.TagBytes) return false;
        ArgumentOutOfRangeException.ThrowIfNotEqual(plaintext.Length, ciphertext.Length - Hpke.TagBytes);
        Span<byte> nonce = stackalloc byte[baseNonce.Length];
        NextNonce(nonce);
        try
        {
            cipher.Decrypt(nonce, ciphertext[..plaintext.Length], ciphertext[plaintext.Length..], plaintext, aad);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
        Advance();
        return true;
    }

    public void Dispose() => cipher.Dispose();

    private void NextNonce(Span<byte> nonce)
    {
        if (spent) throw new InvalidOperationException("HPKE: all sequence numbers of this context were used");
        baseNonce.CopyTo(nonce);
        var low = nonce[^sizeof(ulong)..];
        BinaryPrimitives.WriteUInt64BigEndian(low, BinaryPrimitives.ReadUInt64BigEndian(low) ^ sequence);
    }

    private void Advance()
    {
        if (sequence == ulong.MaxValue) spent = true;
        else sequence++;
    }
}
