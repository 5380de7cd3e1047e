namespace Capillary.Core.Apply.Kubernetes;

/// <summary>When a hook runs (annotation <c>capillary.dev/hook</c>, or Argo CD's <c>argocd.argoproj.io/hook</c>).</summary>
[Flags]
public enum HookPhases
{
    /// <summary>No hook: an ordinary object.</summary>
    None = 0,

    /// <summary>Before the app's objects (<c>pre</c>, <c>PreSync</c>).</summary>
    Pre = 1,

    /// <summary>Among the app's objects, at its order (<c>Sync</c>).</summary>
    During = 2,

    /// <summary>After all of the app's objects are healthy (<c>post</c>, <c>PostSync</c>).</summary>
    Post = 4,

    /// <summary>When the attempt failed (<c>on-failure</c>, <c>SyncFail</c>).</summary>
    Failure = 8,

    /// <summary>Never applied (<c>Skip</c>, and Argo CD's delete hooks).</summary>
    Never = 16,
}

/// <summary>When a hook's object is deleted (annotation <c>capillary.dev/hook-delete-policy</c>, or Argo CD's).</summary>
[Flags]
public enum HookDeletion
{
    /// <summary>Just before the hook runs the next time; the default.</summary>
    BeforeCreation = 1,

    /// <summary>As soon as it succeeded.</summary>
    Succeeded = 2,

    /// <summary>As soon as it failed.</summary>
    Failed = 4,
}

/// <summary>What the agent may do beyond the usual with one object.</summary>
[Flags]
public enum ManifestOptions
{
    None = 0,

    /// <summary>Never deleted because it left the bundle (<c>Prune=false</c>).</summary>
    KeepOnPrune = 1,

    /// <summary>Deleted only after an operator confirmed it (<c>Prune=confirm</c>).</summary>
    ConfirmPrune = 2,

    /// <summary>Deleted and made anew when a field that cannot change must change (<c>Replace=true</c>, <c>Force=true</c>).</summary>
    Replace = 4,

    /// <summary>Its health blocks nothing (<c>argocd.argoproj.io/ignore-healthcheck</c>).</summary>
    IgnoreHealth = 8,
}

/// <summary>One Kubernetes object of a bundle, without its bytes: what its annotations ask of the agent.</summary>
/// <param name="Ref">Which object.</param>
/// <param name="Order">Its apply order within the app: lower first; default 0 (<c>capillary.dev/apply-order</c>, <c>sync-wave</c>).</param>
/// <param name="Hook">When it runs, if it is a hook.</param>
/// <param name="Deletion">When a hook's object goes.</param>
/// <param name="Options">What else it asks.</param>
public sealed record KubernetesManifest(ObjectRef Ref, int Order, HookPhases Hook, HookDeletion Deletion, ManifestOptions Options)
{
    /// <summary>Whether it is a hook, and no object that stays.</summary>
    public bool IsHook => Hook != HookPhases.None;
}
