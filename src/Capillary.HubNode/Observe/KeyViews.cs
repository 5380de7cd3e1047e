using Capillary.Core.Trust;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Observe;

/// <summary>What is shown of nodes' keys.</summary>
internal sealed class KeyViews(HubDatabase database, CopiedKeys copies, TimeProvider time)
{
    /// <summary>The key in a record.</summary>
    public KeyView Of(NodeRecord record)
    {
        var (since, asked) = database.Read(db => (KeyTables.Since(db, record.IdentityKey.Id), KeyTables.SuccessionSince(db, record.Node)));
        return new(record.IdentityKey.Id, since, since is { } at ? Math.Max(0, (long)(time.GetUtcNow() - at).TotalSeconds) : null,
            record.Previous, asked, [.. copies.Of(record.Node).Select(item =>
                new CopyView(item.KeyId, item.Sign, item.SeenBy, item.Count, item.FirstAt, item.LastAt))]);
    }
}
