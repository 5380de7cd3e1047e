using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Capillary.Node.Links;

namespace Capillary.Tests.Node.Networks;

/// <summary>A real tinyproxy or squid on a free port.</summary>
internal sealed class ProxyProcess : IAsyncDisposable
{
    public const string User = "lab 7";
    public const string Password = "s3cret:%/@ü";
    private readonly Process process;
    private readonly string folder;

    private ProxyProcess(Process process, string folder, int port) => (this.process, this.folder, Port) = (process, folder, port);

    public int Port { get; }

    public ProxySettings Settings => new("127.0.0.1", Port);

    public ProxySettings WithPassword(string password) => new("127.0.0.1", Port, User, password);

    public static string? Find(string program) => new[] { "/usr/bin", "/usr/sbin" }.Select(place => $"{place}/{program}").FirstOrDefault(File.Exists);

    /// <param name="allowedPort">The only port it lets through.</param>
    /// <param name="basic">Whether it wants user and password. tinyproxy's file takes no spaces, so it gets simple ones.</param>
    /// <param name="stop">Ends the wait for it.</param>
    public static Task<ProxyProcess> TinyproxyAsync(int allowedPort, (string User, string Password)? basic, CancellationToken stop)
    {
        var (folder, port) = (NewFolder(), FreePort());
        File.WriteAllText($"{folder}/tinyproxy.conf", $"""
            Port {port}
            Listen 127.0.0.1
            Timeout 600
            LogFile "{folder}/tinyproxy.log"
            LogLevel Connect
            ConnectPort {allowedPort}
            {(basic is var (user, password) ? $"BasicAuth {user} {password}" : "")}
            """);
        return StartAsync("tinyproxy", ["-d", "-c", $"{folder}/tinyproxy.conf"], folder, port, stop);
    }

    /// <param name="allowedPort">The only port it lets through.</param>
    /// <param name="basic">Whether it wants <see cref="User"/> and <see cref="Password"/>.</param>
    /// <param name="stop">Ends the wait for it.</param>
    public static Task<ProxyProcess> SquidAsync(int allowedPort, bool basic, CancellationToken stop)
    {
        var (folder, port) = (NewFolder(), FreePort());
        var helper = $"{folder}/check";
        // squid hands user and password to its helper on a line, percent-encoded but for these three.
        var known = $"{Uri.EscapeDataString(User)} {Uri.EscapeDataString(Password)}".Replace("%3A", ":").Replace("%2F", "/").Replace("%40", "@");
        File.WriteAllText(helper, $"""
            #!/bin/sh
            while read -r user password; do
              if [ "$user $password" = "{known}" ]; then echo OK; else echo ERR; fi
            done
            """);
        File.SetUnixFileMode(helper, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        File.WriteAllText($"{folder}/squid.conf", $"""
            http_port 127.0.0.1:{port}
            pid_filename none
            cache_log stdio:/dev/null
            access_log none
            cache deny all
            max_filedescriptors 1024
            shutdown_lifetime 0 seconds
            visible_hostname proxy.test
            acl allowed port {allowedPort}
            http_access deny !allowed
            {(basic ? $"auth_param basic program {helper}\nauth_param basic utf8 off\nacl known proxy_auth REQUIRED\nhttp_access allow known" : "http_access allow all")}
            http_access deny all
            """);
        return StartAsync("squid", ["-N", "-f", $"{folder}/squid.conf"], folder, port, stop);
    }

    /// <summary>Ends it at once, as a power cut would.</summary>
    public async Task KillAsync()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    public static int FreePort()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        return ((IPEndPoint)taken.LocalEndpoint).Port;
    }

    private static async Task<ProxyProcess> StartAsync(string program, string[] arguments, string folder, int port, CancellationToken stop)
    {
        var process = Process.Start(new ProcessStartInfo(Find(program)!, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder,
        })!;
        var said = new System.Collections.Concurrent.ConcurrentQueue<string?>();
        process.OutputDataReceived += (_, line) => said.Enqueue(line.Data);
        process.ErrorDataReceived += (_, line) => said.Enqueue(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        while (!await AnswersAsync(port, stop))
        {
            if (process.HasExited) throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {string.Join('\n', said)}");
            await Task.Delay(20, stop);
        }
        return new ProxyProcess(process, folder, port);
    }

    private static async Task<bool> AnswersAsync(int port, CancellationToken stop)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port, stop);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string NewFolder()
    {
        var folder = Directory.CreateTempSubdirectory("capillary-proxy-").FullName;
        // squid drops to its own account and must still enter it.
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        return folder;
    }
}
