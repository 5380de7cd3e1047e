using Capillary.Node.Links;

namespace Capillary.Node.Hosting;

/// <summary>
/// A proxy as a technician gives it: an address, and the password beside it, so that it need not stand in a shell's history.
/// </summary>
public static class GivenProxy
{
    private const int MostPasswordChars = 512;

    /// <summary>
    /// Reads <c>--proxy http://USER:PASSWORD@HOST:PORT</c>, and the first line of <c>--proxy-password-file</c> (<c>-</c>: of stdin).
    /// </summary>
    /// <exception cref="InvalidDataException">It is no such address, or the file cannot be read; never repeats a password.</exception>
    public static ProxySettings? Read(string? address, string? passwordFile, TextReader input)
    {
        if (address is null)
        {
            return passwordFile is null ? null
                : throw new InvalidDataException("--proxy-password-file belongs to --proxy http://USER@HOST:PORT, which is missing");
        }
        var proxy = ProxySettings.Parse(address, "--proxy");
        if (passwordFile is null) return proxy;
        if (proxy.User is null || proxy.Password is not null)
        {
            throw new InvalidDataException(proxy.User is null
                ? "--proxy-password-file: the proxy has no user; write --proxy http://USER@HOST:PORT"
                : "the proxy's password is given twice: leave it out of --proxy");
        }
        return proxy with { Password = FirstLine(passwordFile, input) };
    }

    private static string FirstLine(string path, TextReader input)
    {
        if (path != "-" && !File.Exists(path)) throw new InvalidDataException($"--proxy-password-file: {path}: no such file");
        var line = path == "-" ? input.ReadLine() : File.ReadLines(path).FirstOrDefault();
        return line is { Length: > 0 and <= MostPasswordChars } ? line
            : throw new InvalidDataException($"--proxy-password-file: {path}: its first line is no password");
    }
}
