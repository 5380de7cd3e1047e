using System.CommandLine;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Capillary.Cli;

/// <summary>Where the hub's API is: a local socket, or a URL with a token and the pinned key of the hub.</summary>
internal sealed class HubConnection
{
    private const string SocketVariable = "CAPILLARY_SOCKET";
    private const string DefaultSocket = "./hub/api.sock";
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(2);

    private readonly Option<string?> socket = new("--socket")
    {
        Description = $"The hub's Unix socket (default: ${SocketVariable}, else {DefaultSocket}).", Recursive = true,
    };

    private readonly Option<string?> url = new("--hub") { Description = "The hub's API, as https://HOST:PORT; needs --token-file and "
        + "--pin.", Recursive = true };

    private readonly Option<string?> token = new("--token-file") { Description = "A file that holds an operator's token.",
        Recursive = true };

    private readonly Option<string?> pin = new("--pin") { Description = "Id of the hub's API key, as 'hub init' shows it.",
        Recursive = true };

    /// <summary>Gives the command, and those below it, the options.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[socket, url, token, pin]) command.Options.Add(option);
    }

    /// <summary>Whether a hub was named: by an option, or by the environment.</summary>
    public bool IsNamed(ParseResult parsed) => parsed.GetValue(url) is not null || parsed.GetValue(socket) is not null
        || Environment.GetEnvironmentVariable(SocketVariable) is { Length: > 0 };

    /// <summary>The client that the options mean.</summary>
    /// <exception cref="CommandException">They do not fit together.</exception>
    public HubClient Open(ParseResult parsed)
    {
        if (parsed.GetValue(url) is not { } address) return Local(parsed.GetValue(socket));
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps)
            throw new CommandException($"--hub {address} is not a URL; write https://HOST:PORT", ExitCode.Usage);
        if (parsed.GetValue(token) is not { } file) throw new CommandException("--hub needs --token-file FILE with an operator's token",
            ExitCode.Usage);
        if (parsed.GetValue(pin) is not { } key) throw new CommandException("--hub needs --pin ID; 'capillary hub init' showed it",
            ExitCode.Usage);
        return Remote(uri, ReadToken(file), key.Replace("sha256:", "", StringComparison.Ordinal).ToLowerInvariant());
    }

    private static HubClient Local(string? given)
    {
        var path = given ?? Environment.GetEnvironmentVariable(SocketVariable) ?? DefaultSocket;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, stop) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
                    return new NetworkStream(connection, ownsSocket: true);
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }
            },
        };
        var hint = $"no hub answers at {path}; start one with 'capillary hub run', or name its socket with --socket or {SocketVariable}";
        return new HubClient(new HttpClient(handler) { BaseAddress = new Uri("http://hub/"), Timeout = Timeout }, hint);
    }

    private static HubClient Remote(Uri uri, string token, string pinned)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                // The certificate is self-made; the key in it is what counts.
                RemoteCertificateValidationCallback = (_, certificate, _, _) => KeyId(certificate) == pinned,
            },
        };
        var client = new HttpClient(handler) { BaseAddress = uri, Timeout = Timeout };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new HubClient(client, $"no hub with the pinned key answers at {uri.Authority}; check the address and --pin");
    }

    private static string? KeyId(X509Certificate? certificate) => certificate is X509Certificate2 peer
        ? Convert.ToHexStringLower(SHA256.HashData(peer.PublicKey.ExportSubjectPublicKeyInfo()))
        : null;

    private static string ReadToken(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{file}: {e.Message}", ExitCode.Usage);
        }
    }
}
