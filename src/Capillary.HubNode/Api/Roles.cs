using Capillary.Fleet.Documents;

namespace Capillary.HubNode.Api;

/// <summary>What a route needs.</summary>
internal enum Permission
{
    /// <summary>See sites, releases, status.</summary>
    Read,

    /// <summary>Make join codes.</summary>
    Enroll,

    /// <summary>Answer nodes that wait for a person.</summary>
    Approve,

    /// <summary>Revoke, retire, replace and move.</summary>
    ChangeLife,

    /// <summary>Let a hub that came back from a backup go on.</summary>
    Resume,

    /// <summary>Start, pause, resume, abort and take back rollouts.</summary>
    Rollout,

    /// <summary>Say yes to a wave; which role a wave asks for is its policy's to say.</summary>
    ApproveWave,

    /// <summary>Have Git looked at now.</summary>
    Sync,

    /// <summary>Have a site's state sealed for a stick.</summary>
    Export,

    /// <summary>Take in what a stick brings back.</summary>
    Receive,

    /// <summary>See who changed what.</summary>
    ReadJournal,

    /// <summary>Ask a site or region for a new identity key.</summary>
    RotateKeys,

    /// <summary>Replace the hub's own keys and the trust root.</summary>
    ManageTrust,

    /// <summary>Add operators and give them roles.</summary>
    ManageOperators,
}

/// <summary>What each role may do.</summary>
internal static class Roles
{
    public const string Admin = ApprovalGate.AnyRole;

    private static readonly Dictionary<string, Permission[]> Permissions = new(StringComparer.Ordinal)
    {
        ["viewer"] = [Permission.Read],
        ["operator"] = [Permission.Read, Permission.Enroll, Permission.ChangeLife, Permission.RotateKeys, Permission.Sync,
            Permission.Export, Permission.Receive, Permission.Rollout, Permission.ApproveWave],
        ["approver"] = [Permission.Read, Permission.Approve, Permission.Sync, Permission.ApproveWave],
        ["auditor"] = [Permission.Read, Permission.ReadJournal],
        [Admin] = Enum.GetValues<Permission>(),
    };

    /// <summary>Every role, for messages.</summary>
    public static string Known => string.Join(", ", Permissions.Keys);

    public static bool Exists(string role) => Permissions.ContainsKey(role);

    public static bool May(string role, Permission permission) =>
        Permissions.TryGetValue(role, out var granted) && granted.Contains(permission);
}
