using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>Fleet user names as accounts of this machine.</summary>
internal sealed class Accounts(HostApplyOptions options)
{
    private readonly uint self = Libc.EffectiveUser();

    public bool IsRoot => self == 0;

    /// <summary>Why this user cannot be used here, or null.</summary>
    public string? Problem(string user)
    {
        if (!options.Users.TryGetValue(user, out var account)) return "is not on this site's list";
        if (Find(account) is not { } ids) return $"the account '{account}' does not exist on this machine";
        if (ids.User == 0 && !options.AllowRoot) return "is root here, and this site does not allow root";
        return IsRoot || ids.User == self ? null : $"the agent is not root and cannot become '{account}'";
    }

    /// <summary>The ids of a user, or of the agent itself for null.</summary>
    public (uint User, uint Group) Ids(string? user)
    {
        if (user is null) return (self, Libc.EffectiveGroup());
        if (Problem(user) is { } problem) throw new StepException(ConditionCodes.UserNotAllowed, user, $"user '{user}': {problem}", true);
        return Find(options.Users[user])!.Value;
    }

    /// <summary>The id of a local group; null: there is none of this name.</summary>
    public static unsafe uint? GroupOf(string name)
    {
        Group entry;
        Group* found;
        // Its members stand in it too.
        var buffer = new byte[64 << 10];
        fixed (byte* start = buffer)
        {
            return Libc.FindGroup(name, &entry, start, buffer.Length, &found) != 0 || found is null ? null : found->Id;
        }
    }

    private static unsafe (uint User, uint Group)? Find(string account)
    {
        Account entry;
        Account* found;
        var buffer = new byte[16 << 10];
        fixed (byte* start = buffer)
        {
            if (Libc.FindAccount(account, &entry, start, buffer.Length, &found) != 0 || found is null) return null;
            return (found->User, found->Group);
        }
    }
}
