namespace Capillary.HubNode.Publish;

/// <summary>The order in which a commit becomes visible (DESIGN section 6); a crash between two of them loses nothing that a site was
/// told.</summary>
internal enum PublishStep
{
    /// <summary>Every blob of the release is durable.</summary>
    BlobsKept,

    /// <summary>The release stands in the database.</summary>
    ReleaseKept,

    /// <summary>The checkpoint is signed, in memory.</summary>
    CheckpointSigned,

    /// <summary>Plan, checkpoint and lines stand in the database.</summary>
    PlanKept,

    /// <summary>Children are offered the new lines.</summary>
    Offered,
}
