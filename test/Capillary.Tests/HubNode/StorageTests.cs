using Capillary.HubNode.Storage;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Capillary.Tests.HubNode;

public sealed class StorageTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly DateTimeOffset at = new(2026, 11, 20, 8, 0, 0, TimeSpan.Zero);

    private string Path => folder.Of("hub.db");

    [Fact]
    public void What_was_written_is_there_after_a_restart()
    {
        using (var database = HubDatabase.Open(Path)) Journal(database, 3);
        using var again = HubDatabase.Open(Path);
        Assert.Equal([3, 2, 1], again.Read(db => JournalTable.List(db, long.MaxValue, 10)).Select(entry => entry.Seq));
        Assert.Null(again.Read(db => JournalTable.FirstBroken(db)));
    }

    [Fact]
    public void A_transaction_that_throws_leaves_nothing()
    {
        using var database = HubDatabase.Open(Path);
        Assert.Throws<InvalidOperationException>(() => database.Write(db =>
        {
            JournalTable.Append(db, at, "a", "b", null, null);
            throw new InvalidOperationException();
        }));
        Assert.Empty(database.Read(db => JournalTable.List(db, long.MaxValue, 10)));
    }

    [Fact]
    public void The_journal_takes_no_change_and_no_removal()
    {
        using var database = HubDatabase.Open(Path);
        Journal(database, 2);
        Assert.Contains("append-only", Assert.Throws<SqliteException>(() =>
            database.Write(db => db.Execute("UPDATE journal SET actor = 'x'"))).Message);
        Assert.Contains("append-only", Assert.Throws<SqliteException>(() =>
            database.Write(db => db.Execute("DELETE FROM journal"))).Message);
    }

    [Theory]
    [InlineData("UPDATE journal SET actor = 'mallory' WHERE seq = 3", 3)]
    [InlineData("DELETE FROM journal WHERE seq = 2", 3)]
    [InlineData("UPDATE journal SET after = '{\"n\":9}' WHERE seq = 1", 1)]
    public void A_changed_journal_shows_where(string tampering, long broken)
    {
        using var database = HubDatabase.Open(Path);
        Journal(database, 5);
        database.Write(db => db.Execute("DROP TRIGGER journal_keeps; DROP TRIGGER journal_stays"));
        database.Write(db => db.Execute(tampering));
        Assert.Equal(broken, database.Read(db => JournalTable.FirstBroken(db)));
    }

    [Fact]
    public void A_database_of_a_newer_hub_or_of_nobody_is_left_alone()
    {
        using (var database = HubDatabase.Open(Path)) database.Write(db => db.Execute("PRAGMA user_version=99"));
        Assert.Contains("a newer hub", Assert.Throws<InvalidDataException>(() => HubDatabase.Open(Path)).Message);
        var noise = folder.Of("noise.db");
        File.WriteAllBytes(noise, [.. Enumerable.Range(0, 4096).Select(i => (byte)(i * 7))]);
        Assert.Contains("restore it", Assert.Throws<InvalidDataException>(() => HubDatabase.Open(noise)).Message);
    }

    [Fact]
    public void A_token_is_kept_only_as_its_hash()
    {
        using (var database = HubDatabase.Open(Path)) database.Write(db =>
            OperatorTable.Put(db, new("ada", "admin"), "secret-token-of-ada", at));
        using (var database = HubDatabase.Open(Path))
        {
            Assert.Equal(new Operator("ada", "admin"), database.Read(db => OperatorTable.Authenticate(db, "secret-token-of-ada")));
            Assert.Null(database.Read(db => OperatorTable.Authenticate(db, "secret-token-of-eve")));
        }
        Assert.DoesNotContain("secret-token", System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(Path)), StringComparison.Ordinal);
    }

    private void Journal(HubDatabase database, int entries)
    {
        for (var i = 1; i <= entries; i++) database.Write(db =>
            JournalTable.Append(db, at, "tester", "count", new { n = i - 1 }, new { n = i }));
    }

    public void Dispose() => folder.Dispose();
}
