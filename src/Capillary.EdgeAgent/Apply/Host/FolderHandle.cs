using System.Buffers;
using System.Security.Cryptography;
using Capillary.Core.Bundles;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>
/// An open folder. Everything below a root goes through these, one name at a time and never through a link, so that whoever can write
/// in a folder of the site cannot lead the agent out of it, whatever is renamed meanwhile.
/// </summary>
internal sealed class FolderHandle : IDisposable
{
    private readonly int descriptor;

    private FolderHandle(int descriptor, string path) => (this.descriptor, Path) = (descriptor, path);

    public string Path { get; }

    /// <summary>A root: its own path is the site's configuration and may hold links.</summary>
    public static FolderHandle OpenRoot(string path)
    {
        var descriptor = Libc.Open(path, Libc.ReadOnly | Libc.Directory | Libc.CloseOnExec);
        return descriptor >= 0 ? new(descriptor, path) : throw HostProblem.Of("open", path, Libc.LastError);
    }

    /// <summary>The folder that holds <paramref name="path"/>, or null when it is missing and not to be made.</summary>
    public static FolderHandle? OpenParent(string root, string path, bool make)
    {
        var folder = OpenRoot(root);
        var names = Relative(root, path).Split('/');
        for (var i = 0; i < names.Length - 1; i++)
        {
            using var parent = folder;
            if (parent.Enter(names[i], make) is not { } next) return null;
            folder = next;
        }
        return folder;
    }

    /// <summary>A folder in this one; null when it is missing (or, not making, is no folder).</summary>
    public FolderHandle? Enter(string name, bool make, uint mode = 0x1ED)
    {
        var path = $"{Path}/{name}";
        while (true)
        {
            var next = Libc.OpenAt(descriptor, name, Libc.ReadOnly | Libc.Directory | Libc.NoFollow | Libc.CloseOnExec, 0);
            if (next >= 0) return new(next, path);
            var error = Libc.LastError;
            // With O_DIRECTORY a link says "not a directory" as well.
            if (error is Libc.NotDirectory or Libc.Loop && Look(name) is { IsLink: true }) throw HostProblem.Link(path);
            if (error == Libc.NotDirectory && !make) return null;
            if (error != Libc.NoEntry) throw HostProblem.Of("enter", path, error);
            if (!make) return null;
            if (Libc.MakeFolderAt(descriptor, name, mode) != 0 && Libc.LastError != Libc.Exists)
                throw HostProblem.Of("make", path, Libc.LastError);
            Flush();
        }
    }

    public FileFacts? Look(string name) => FileFacts.Look(descriptor, name, $"{Path}/{name}");

    /// <summary>Creates a file, lets <paramref name="write"/> fill it, gives it owner and mode, flushes it.</summary>
    public void Create(string name, (uint User, uint Group) owner, int mode, Action<int> write)
    {
        _ = Libc.UnlinkAt(descriptor, name, 0);
        var path = $"{Path}/{name}";
        var file = Libc.OpenAt(
            descriptor, name, Libc.WriteOnly | Libc.Create | Libc.Exclusive | Libc.NoFollow | Libc.CloseOnExec, 0x180);
        if (file < 0) throw HostProblem.Of("create", path, Libc.LastError);
        try
        {
            write(file);
            if (Libc.Own(file, owner.User, owner.Group) != 0) throw HostProblem.Of("give", path, Libc.LastError);
            if (Libc.Mode(file, (uint)mode) != 0) throw HostProblem.Of("set the mode of", path, Libc.LastError);
            if (Libc.Sync(file) != 0) throw HostProblem.Of("flush", path, Libc.LastError);
        }
        catch
        {
            _ = Libc.UnlinkAt(descriptor, name, 0);
            throw;
        }
        finally
        {
            _ = Libc.Close(file);
        }
    }

    /// <summary>The names in this folder.</summary>
    public IEnumerable<string> Names() =>
        Directory.EnumerateFileSystemEntries($"/proc/self/fd/{descriptor}").Select(entry => System.IO.Path.GetFileName(entry));

    /// <summary>False when the two lie on different file systems.</summary>
    public bool Move(string from, FolderHandle folder, string to)
    {
        if (Libc.RenameAt(descriptor, from, folder.descriptor, to) != 0)
        {
            if (Libc.LastError == Libc.CrossDevice) return false;
            throw HostProblem.Of("move into place", $"{folder.Path}/{to}", Libc.LastError);
        }
        folder.Flush();
        return true;
    }

    /// <summary>Keeps a file under a second name before it is replaced. One that is kept already stays.</summary>
    public void Keep(string name, string kept)
    {
        if (Libc.LinkAt(descriptor, name, descriptor, kept, 0) != 0)
        {
            var error = Libc.LastError;
            if (error is Libc.Exists or Libc.NoEntry) return;
            // No hard links here: then the name is free for a moment instead.
            if (error is not (Libc.NotPermitted or Libc.NotSupported or Libc.TooManyLinks))
                throw HostProblem.Of("keep", $"{Path}/{name}", error);
            if (Libc.RenameAt(descriptor, name, descriptor, kept) != 0) throw HostProblem.Of("keep", $"{Path}/{name}", Libc.LastError);
        }
        Flush();
    }

    /// <summary>True when the name is gone; false for a folder that is not empty.</summary>
    public bool Remove(string name, bool folder)
    {
        if (Libc.UnlinkAt(descriptor, name, folder ? Libc.RemoveDir : 0) == 0) Flush();
        else if (Libc.LastError is Libc.NotEmpty or Libc.Exists or Libc.NotDirectory && folder) return false;
        else if (Libc.LastError != Libc.NoEntry) throw HostProblem.Of("remove", $"{Path}/{name}", Libc.LastError);
        return true;
    }

    /// <summary>The digest of a regular file in this folder, or null.</summary>
    public Digest? Hash(string name)
    {
        var file = Libc.OpenAt(descriptor, name, Libc.ReadOnly | Libc.NoFollow | Libc.NonBlocking | Libc.CloseOnExec, 0);
        if (file < 0) return null;
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Pump(file, $"{Path}/{name}", bytes => hash.AppendData(bytes));
            return Digest.FromHash(hash.GetHashAndReset());
        }
        finally
        {
            _ = Libc.Close(file);
        }
    }

    /// <summary>Copies a file of this folder into an open one.</summary>
    public void CopyTo(string name, int target)
    {
        var file = Libc.OpenAt(descriptor, name, Libc.ReadOnly | Libc.NoFollow | Libc.CloseOnExec, 0);
        if (file < 0) throw HostProblem.Of("read", $"{Path}/{name}", Libc.LastError);
        try
        {
            Pump(file, $"{Path}/{name}", bytes => Append(target, bytes, Path));
        }
        finally
        {
            _ = Libc.Close(file);
        }
    }

    public static unsafe void Append(int file, ReadOnlySpan<byte> bytes, string path)
    {
        while (bytes.Length > 0)
        {
            nint count;
            fixed (byte* start = bytes) count = Libc.Write(file, start, bytes.Length);
            if (count < 0) throw HostProblem.Of("write", path, Libc.LastError);
            bytes = bytes[(int)count..];
        }
    }

    public void Dispose() => _ = Libc.Close(descriptor);

    /// <summary>The part of an absolute path below its root.</summary>
    public static string Relative(string root, string path) => path[(root == "/" ? 1 : root.Length + 1)..];

    private void Flush()
    {
        if (Libc.Sync(descriptor) != 0 && Libc.LastError != 22) throw HostProblem.Of("flush", Path, Libc.LastError);
    }

    private delegate void Chunk(ReadOnlySpan<byte> bytes);

    private static unsafe void Pump(int file, string path, Chunk take)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            while (true)
            {
                nint count;
                fixed (byte* start = buffer) count = Libc.Read(file, start, buffer.Length);
                if (count < 0) throw HostProblem.Of("read", path, Libc.LastError);
                if (count == 0) return;
                take(buffer.AsSpan(0, (int)count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>What a name is, without following it.</summary>
internal readonly record struct FileFacts(StatX Raw)
{
    public bool IsFile => (Raw.Mode & 0xF000) == 0x8000;
    public bool IsFolder => (Raw.Mode & 0xF000) == 0x4000;
    public bool IsLink => (Raw.Mode & 0xF000) == 0xA000;
    public int Permissions => Raw.Mode & 0xFFF;

    /// <summary>Equal as long as nobody wrote to, replaced, gave away or re-moded the file.</summary>
    public string Mark => $"{Raw.DeviceMajor:x}.{Raw.DeviceMinor:x}.{Raw.Inode:x}.{Raw.Size:x}.{Raw.Mode:x}.{Raw.User:x}."
        + $"{Raw.WrittenSeconds:x}.{Raw.WrittenNanoseconds:x}.{Raw.ChangedSeconds:x}.{Raw.ChangedNanoseconds:x}";

    /// <summary>Null when nothing has this name.</summary>
    public static unsafe FileFacts? Look(int folder, string name, string path)
    {
        StatX facts;
        if (Libc.StatX(folder, name, Libc.NoFollowAt, 0x7FF, &facts) == 0) return new(facts);
        return Libc.LastError is Libc.NoEntry or Libc.NotDirectory ? null : throw HostProblem.Of("look at", path, Libc.LastError);
    }
}
