using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>
/// The hub's one SQLite file: many readers, one writer; what <see cref="Write{T}"/> returned survives a power cut (WAL, synchronous=FULL).
/// </summary>
internal sealed class HubDatabase : IDisposable
{
    private readonly string readers;
    private readonly SqliteConnection writer;
    private readonly Lock writing = new();

    private HubDatabase(SqliteConnection writer, string readers) => (this.writer, this.readers) = (writer, readers);

    /// <summary>Opens the file, making or migrating it.</summary>
    /// <exception cref="InvalidDataException">A newer hub wrote it, or it is damaged.</exception>
    public static HubDatabase Open(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        var writer = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            writer.Open();
            if (File.Exists(path)) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            writer.Execute("PRAGMA busy_timeout=5000");
            writer.Execute("PRAGMA journal_mode=WAL");
            writer.Execute("PRAGMA synchronous=FULL");
            Migrate(writer, path);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_CORRUPT)
        {
            writer.Dispose();
            throw new InvalidDataException($"{path}: {e.Message}; restore it from a backup", e);
        }
        catch
        {
            writer.Dispose();
            throw;
        }
        return new(writer, new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly }.ToString());
    }

    /// <summary>One transaction: all of <paramref name="work"/> is durable when this returns, or none of it is.</summary>
    public T Write<T>(Func<SqliteConnection, T> work)
    {
        lock (writing) return Transact(writer, work);
    }

    /// <inheritdoc cref="Write{T}"/>
    public void Write(Action<SqliteConnection> work) => Write(db =>
    {
        work(db);
        return 0;
    });

    /// <summary>Reads one consistent state.</summary>
    public T Read<T>(Func<SqliteConnection, T> work)
    {
        using var connection = new SqliteConnection(readers);
        connection.Open();
        using var transaction = connection.BeginTransaction(deferred: true);
        return work(connection);
    }

    public void Dispose()
    {
        writer.Dispose();
        using var pooled = new SqliteConnection(readers);
        SqliteConnection.ClearPool(pooled);
    }

    private static void Migrate(SqliteConnection db, string path)
    {
        var version = (int)db.Number("PRAGMA user_version");
        if (version > Schema.Migrations.Count)
            throw new InvalidDataException($"{path}: schema {version}, this hub knows {Schema.Migrations.Count}; a newer hub wrote it: "
                + "upgrade");
        for (; version < Schema.Migrations.Count; version++)
        {
            var next = version;
            Transact(db, migrating =>
            {
                migrating.Execute(Schema.Migrations[next]);
                return migrating.Execute($"PRAGMA user_version={next + 1}");
            });
        }
    }

    // Not SqliteTransaction: on a full disk SQLite itself rolls back, and that class then fails for ever at rolling back once more.
    private static T Transact<T>(SqliteConnection db, Func<SqliteConnection, T> work)
    {
        db.Execute("BEGIN IMMEDIATE");
        try
        {
            var result = work(db);
            db.Execute("COMMIT");
            return result;
        }
        catch
        {
            if (SQLitePCL.raw.sqlite3_get_autocommit(db.Handle) == 0) db.Execute("ROLLBACK");
            throw;
        }
    }
}
