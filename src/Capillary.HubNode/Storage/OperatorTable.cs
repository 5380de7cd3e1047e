using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>A person or program that may call the API.</summary>
internal sealed record Operator(string Name, string Role);

/// <summary>Operators; of a token only its SHA-256 is kept, which is enough as a token is 256 random bits.</summary>
internal static class OperatorTable
{
    /// <summary>Adds an operator, or gives an existing one a new role and token.</summary>
    public static void Put(SqliteConnection db, Operator who, string token, DateTimeOffset at) =>
        db.Execute("INSERT INTO operators VALUES($name, $role, $hash, $at) "
            + "ON CONFLICT(name) DO UPDATE SET role = $role, token_hash = $hash, made_at = $at",
            ("$name", who.Name), ("$role", who.Role), ("$hash", HashOf(token)), ("$at", at));

    public static Operator? Find(SqliteConnection db, string name) =>
        db.Query("SELECT name, role FROM operators WHERE name = $name", row =>
            new Operator(row.GetString(0), row.GetString(1)), ("$name", name))
            .SingleOrDefault();

    /// <summary>Whose token this is; compares every hash in constant time.</summary>
    public static Operator? Authenticate(SqliteConnection db, string token)
    {
        var hash = HashOf(token);
        Operator? found = null;
        foreach (var (who, kept) in db.Query("SELECT name, role, token_hash FROM operators",
            row => (new Operator(row.GetString(0), row.GetString(1)), row.Bytes(2))))
        {
            if (CryptographicOperations.FixedTimeEquals(kept, hash)) found = who;
        }
        return found;
    }

    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
