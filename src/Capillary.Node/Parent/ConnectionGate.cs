using System.Collections.Concurrent;
using Capillary.Core.Protocol;
using Capillary.Node.Keys;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;

namespace Capillary.Node.Parent;

/// <summary>
/// Stands behind the TLS handshake: learns whose key was proven, keeps strangers few, closes connections that are of no use, and lets an
/// idle one give back its TLS buffers.
/// </summary>
internal sealed partial class ConnectionGate(ParentLimits limits, IdentityLimits identities, DesiredStateCell cell, TimeProvider time,
    ILogger log)
{
    private static readonly TimeSpan BetweenReadings = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<ChildConnection, bool> open = new();
    private readonly Lock reading = new();
    private HashSet<string> known = [];
    private object? knownOf;
    private long readAt;
    private int strangers;
    private long connections;
    private bool buffersNamed;

    /// <summary>Connections whose handshake was made so far.</summary>
    public long Connections => Volatile.Read(ref connections);

    /// <summary>Connections of keys that stand in no record.</summary>
    public int Strangers => Volatile.Read(ref strangers);

    /// <summary>Kestrel's middleware of one connection, for its whole life.</summary>
    public async Task ServeAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        Interlocked.Increment(ref connections);
        connection.Features.Get<HandshakeTurns.Turn>()?.End();
        if (connection.Features.Get<ISslStreamFeature>() is { } tls && !IdleTlsBuffers.ReleaseWhenIdle(tls.SslStream)
            && !Interlocked.Exchange(ref buffersNamed, true))
            BuffersStay(log);
        if (KeyOf(connection) is not { } key) return;
        var isStranger = !IsKnown(key);
        if (isStranger && Interlocked.Increment(ref strangers) > limits.Strangers)
        {
            Interlocked.Decrement(ref strangers);
            TooManyStrangers(log, limits.Strangers);
            return;
        }
        var child = new ChildConnection(key, isStranger, () => connection.Abort(new ConnectionAbortedException("of no use")))
        {
            IdleSince = time.GetTimestamp(),
        };
        try
        {
            if (!identities.TryConnect(key, isStranger))
            {
                TooManyConnections(log, key[..16]);
                return;
            }
            try
            {
                await CarryAsync(next, connection, child);
            }
            finally
            {
                identities.Disconnect(key);
            }
        }
        finally
        {
            if (isStranger) Interlocked.Decrement(ref strangers);
        }
    }

    /// <summary>Closes connections that carried nothing for too long; call about once a second.</summary>
    public void Sweep()
    {
        foreach (var (child, _) in open)
        {
            if (child.AtWork == 0 && time.GetElapsedTime(child.IdleSince) > limits.SessionWithin) child.Abort();
        }
    }

    private async Task CarryAsync(ConnectionDelegate next, ConnectionContext connection, ChildConnection child)
    {
        open[child] = true;
        try
        {
            connection.Features.Set(child);
            await next(connection);
        }
        finally
        {
            open.TryRemove(child, out _);
        }
    }

    private static string? KeyOf(ConnectionContext connection)
    {
        var certificate = connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
        var key = SigningKey.KeyOf(certificate)?.Id;
        // Nothing reads it again, and there may be as many as there are children.
        certificate?.Dispose();
        return key;
    }

    /// <summary>
    /// Whether a record names this key. Records that came within the last second may not be seen yet; a stranger may enter too.
    /// </summary>
    private bool IsKnown(string key)
    {
        lock (reading)
        {
            var records = cell.Value.Records;
            if (known.Contains(key) || ReferenceEquals(knownOf, records)) return known.Contains(key);
            if (knownOf is not null && time.GetElapsedTime(readAt) < BetweenReadings) return false;
            (known, knownOf, readAt) = (KeysOf(records.Values), records, time.GetTimestamp());
            return known.Contains(key);
        }
    }

    private static HashSet<string> KeysOf(IEnumerable<SignedRecord> records) =>
        records.Select(item => item.Record.IdentityKey.Id).ToHashSet(StringComparer.Ordinal);

    [LoggerMessage(1110, LogLevel.Warning, "too many connections ({Most}) of keys that stand in no record; one more was closed")]
    private static partial void TooManyStrangers(ILogger log, int most);

    [LoggerMessage(1111, LogLevel.Warning, "key {Key} holds too many connections; one more was closed")]
    private static partial void TooManyConnections(ILogger log, string key);

    [LoggerMessage(1112, LogLevel.Warning, "this runtime's OpenSSL keeps its buffers: each idle child takes some 33 KB more (said once)")]
    private static partial void BuffersStay(ILogger log);
}
