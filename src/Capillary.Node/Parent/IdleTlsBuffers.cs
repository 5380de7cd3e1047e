using System.Net.Security;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Capillary.Node.Parent;

/// <summary>
/// OpenSSL keeps a read and a write buffer of 16 KB each for every connection, unless it is told to release empty ones
/// (<c>SSL_MODE_RELEASE_BUFFERS</c>), and .NET neither tells it so nor offers to. This does, for one connection. It saves memory and does
/// nothing else: where the runtime or its OpenSSL is another than expected, it leaves the connection as it is, and the log says so once.
/// Nothing that a program may set reaches it: the mode is no option of openssl.cnf, and .NET hands out no SSL_CTX.
/// </summary>
internal static partial class IdleTlsBuffers
{
    private const int SetMode = 33;
    private const nint ReleaseBuffers = 0x10;
    private const string Library = "libssl.so.3";

    private static readonly FieldInfo? Context = typeof(SslStream).GetField("_securityContext",
        BindingFlags.Instance | BindingFlags.NonPublic);

    // Another libssl than the runtime's own must never see its pointers.
    private static readonly Lazy<bool> IsTheRuntimes = new(() => MappedLibraries() is [var only] && only == Library);

    /// <summary>True when the connection will hold no TLS buffer while it is idle.</summary>
    public static bool ReleaseWhenIdle(SslStream tls)
    {
        if (!IsTheRuntimes.Value || Context?.GetValue(tls) is not SafeHandle ssl || ssl.GetType().Name != "SafeSslHandle") return false;
        // One that has ended holds none.
        if (ssl.IsInvalid || ssl.IsClosed) return true;
        var held = false;
        try
        {
            ssl.DangerousAddRef(ref held);
            return (Control(ssl.DangerousGetHandle(), SetMode, ReleaseBuffers, 0) & ReleaseBuffers) != 0;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
        finally
        {
            if (held) ssl.DangerousRelease();
        }
    }

    private static List<string> MappedLibraries() =>
        [.. File.ReadLines("/proc/self/maps").Select(line => Path.GetFileName(line.Split(' ')[^1]))
            .Where(name => name.StartsWith("libssl", StringComparison.Ordinal)).Distinct()];

    [LibraryImport(Library, EntryPoint = "SSL_ctrl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial nint Control(nint ssl, int command, nint argument, nint pointer);
}
