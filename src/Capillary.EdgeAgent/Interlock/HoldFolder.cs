using System.Net.Sockets;
using System.Runtime.InteropServices;
using Capillary.EdgeAgent.Apply.Host;

namespace Capillary.EdgeAgent.Interlock;

/// <summary>
/// Where workloads find the agent: <c>hold/hold.sock</c> in its folder. The group may enter that folder and write to the socket, and only
/// the agent may change what is in it: nobody can put a socket of his own in the agent's place.
/// </summary>
internal static class HoldFolder
{
    private const string FileName = "hold.sock";

    // Bound beside and moved over: what a killed agent left is replaced, and whoever connects finds the old one or the new one.
    private const string NextName = ".hold.sock";
    private const int Waiting = 16;
    private const uint Same = uint.MaxValue;
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Open = Private | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    private const UnixFileMode Both =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>The socket of the agent of this folder.</summary>
    public static string SocketOf(string home) => Path.Combine(home, "hold", FileName);

    /// <summary>A socket that listens. Call it only while this process holds the agent's folder.</summary>
    /// <param name="home">The agent's folder.</param>
    /// <param name="group">The local group that may use it; null: the agent's own.</param>
    /// <exception cref="IOException">It cannot be made; says why.</exception>
    public static Socket Listen(string home, string? group)
    {
        var owner = group is null ? Libc.EffectiveGroup() : Accounts.GroupOf(group)
            ?? throw new IOException($"holdGroup: there is no group '{group}' on this machine; make it: groupadd --system {group}");
        var folder = Path.GetDirectoryName(SocketOf(home))!;
        // Nobody else's until all in it is as it should be.
        Directory.CreateDirectory(folder, Private);
        if (new DirectoryInfo(folder).LinkTarget is not null) throw new IOException($"{folder}: is a link; remove it");
        File.SetUnixFileMode(folder, Private);
        var next = Path.Combine(folder, NextName);
        File.Delete(next);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(EndPointOf(next));
            socket.Listen(Waiting);
            Give(next, owner, Both);
            File.Move(next, SocketOf(home), overwrite: true);
            Give(folder, owner, Open);
            // Other accounts have to get through to it; all else in the agent's folder stays closed.
            if (group is not null)
                File.SetUnixFileMode(home, File.GetUnixFileMode(home) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <exception cref="IOException">The path is too long for a socket.</exception>
    public static UnixDomainSocketEndPoint EndPointOf(string path)
    {
        try
        {
            return new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new IOException($"{path}: is longer than a socket's path may be; give the agent a folder with a shorter one", e);
        }
    }

    private static void Give(string path, uint group, UnixFileMode mode)
    {
        if (Libc.OwnPath(path, Same, group) != 0)
        {
            var reason = Marshal.GetPInvokeErrorMessage(Libc.LastError);
            throw new IOException($"{path}: cannot be given to group {group}: {reason}");
        }
        File.SetUnixFileMode(path, mode);
    }
}
