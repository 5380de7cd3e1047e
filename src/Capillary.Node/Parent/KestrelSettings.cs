using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Capillary.Node.Parent;

/// <summary>One port, TLS 1.3 with the child's key, HTTP/2 only; and every buffer that a child can fill is small.</summary>
internal static class KestrelSettings
{
    private const int ConnectionWindow = 128 << 10;
    private const int StreamWindow = 96 << 10;

    public static void Apply(KestrelServerOptions kestrel, ParentOptions options, ServerCertificates certificates, ConnectionGate gate,
        TimeProvider time)
    {
        kestrel.AddServerHeader = false;
        var limits = kestrel.Limits;
        (limits.MinRequestBodyDataRate, limits.MinResponseDataRate, limits.MaxRequestBodySize) = (null, null, null);
        limits.MaxConcurrentConnections = options.MaxChildren + 1000;
        limits.Http2.MaxStreamsPerConnection = 32;
        // What a child may send before anyone reads it; the session's frames are read at once.
        limits.Http2.InitialConnectionWindowSize = ConnectionWindow;
        limits.Http2.InitialStreamWindowSize = StreamWindow;
        // Children send the same few headers on few requests: a table to compress them costs more than it saves.
        limits.Http2.HeaderTableSize = 0;
        var turns = new HandshakeTurns(time);
        kestrel.Listen(options.Listen, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(next => connection => turns.ServeAsync(next, connection));
            listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new(certificates.Newest()) });
            listen.Use(next => connection => gate.ServeAsync(next, connection));
        });
    }
}
