using System.Runtime.ExceptionServices;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>Statements with named parameters; a value never stands in the text.</summary>
internal static class Sql
{
    public static int Execute(this SqliteConnection db, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(db, sql, parameters);
        return command.ExecuteNonQuery();
    }

    /// <summary>The first column of the first row as a number; 0 when there is none or it is null.</summary>
    public static long Number(this SqliteConnection db, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(db, sql, parameters);
        return command.ExecuteScalar() is long value ? value : 0;
    }

    public static List<T> Query<T>(this SqliteConnection db, string sql, Func<SqliteDataReader, T> read,
        params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(db, sql, parameters);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(read(reader));
        return rows;
    }

    /// <summary>
    /// As <see cref="Query"/> for a large table, in no order: rows become values on every core while the next are read, so that the raw
    /// ones never stand in memory all at once.
    /// </summary>
    public static List<T> QueryAll<TRow, T>(this SqliteConnection db, string sql, Func<SqliteDataReader, TRow> read, Func<TRow, T> make)
    {
        try
        {
            return [.. db.Stream(sql, read).AsParallel().Select(make)];
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
            throw;
        }
    }

    private static IEnumerable<T> Stream<T>(this SqliteConnection db, string sql, Func<SqliteDataReader, T> read)
    {
        using var command = Command(db, sql, []);
        using var reader = command.ExecuteReader();
        while (reader.Read()) yield return read(reader);
    }

    /// <summary>One prepared statement for many rows; <paramref name="values"/> gives each row's parameters in the order of
    /// <paramref name="names"/>.</summary>
    public static void ExecuteMany<T>(this SqliteConnection db, string sql, string[] names, IEnumerable<T> rows, Func<T, object?[]> values)
    {
        using var command = db.CreateCommand();
        command.CommandText = sql;
        foreach (var name in names) command.Parameters.Add(new SqliteParameter { ParameterName = name });
        foreach (var row in rows)
        {
            var bound = values(row);
            for (var i = 0; i < bound.Length; i++) command.Parameters[i].Value = bound[i] ?? DBNull.Value;
            command.ExecuteNonQuery();
        }
    }

    public static string? TextOrNull(this SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static byte[] Bytes(this SqliteDataReader row, int column) => row.GetFieldValue<byte[]>(column);

    public static DateTimeOffset Time(this SqliteDataReader row, int column) =>
        DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));

    private static SqliteCommand Command(SqliteConnection db, string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = db.CreateCommand();
#pragma warning disable CA2100 // The text is always a constant of this folder; values are parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            var bound = value is DateTimeOffset time ? time.ToUnixTimeMilliseconds() : value;
            command.Parameters.AddWithValue(name, bound ?? DBNull.Value);
        }
        return command;
    }
}
