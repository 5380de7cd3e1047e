using System.Globalization;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>
/// What the annotations of one object ask of the agent. Our own win over Argo CD's, which are read so that existing manifests work
/// unchanged; an unknown word is an error, because a guard that is misspelt guards nothing.
/// </summary>
internal sealed class KubernetesAnnotations
{
    private const string Own = "capillary.dev/";
    private const string Argo = "argocd.argoproj.io/";
    private const int MaxOrder = 1000;

    private static readonly string[] Known = ["apply-order", "hook", "hook-delete-policy", "prune", "replace"];

    /// <summary>Argo CD's options that have no effect here: server-side apply is all we do.</summary>
    private static readonly string[] WithoutEffect =
    [
        "ApplyOutOfSyncOnly", "ClientSideApplyMigration", "CreateNamespace", "FailOnSharedResource", "PrunePropagationPolicy",
        "RespectIgnoreDifferences", "ServerSideApply", "SkipDryRunOnMissingResource", "Validate",
    ];

    private readonly IReadOnlyDictionary<string, string> values;
    private readonly string path;
    private readonly List<ObjectError> errors;

    public KubernetesAnnotations(IReadOnlyDictionary<string, string> values, string path, List<ObjectError> errors)
    {
        (this.values, this.path, this.errors) = (values, path, errors);
        foreach (var name in values.Keys.Where(name => name.StartsWith(Own, StringComparison.Ordinal)))
        {
            if (!Known.Contains(name[Own.Length..], StringComparer.Ordinal))
                Error(name, $"unknown annotation; known are {string.Join(", ", Known.Select(known => Own + known))}");
        }
    }

    /// <summary>True when it is meant to be a hook, rightly written or not.</summary>
    public bool NamesHook => values.ContainsKey(Own + "hook") || values.ContainsKey(Argo + "hook");

    public int Order()
    {
        if (values.TryGetValue(Own + "apply-order", out var own))
        {
            if (Whole(own) is >= -MaxOrder and <= MaxOrder and var order) return order;
            Error(Own + "apply-order", $"'{own}' is not a whole number from -{MaxOrder} to {MaxOrder}");
        }
        else if (values.TryGetValue(Argo + "sync-wave", out var wave))
        {
            if (Whole(wave.Trim()) is { } order) return order;
            Error(Argo + "sync-wave", $"'{wave}' is not a whole number");
        }
        return 0;
    }

    public HookPhases Hook()
    {
        var phases = HookPhases.None;
        var isOff = false;
        foreach (var (name, word) in Words("hook", "hook"))
        {
            switch (word)
            {
                case "pre" or "PreSync": phases |= HookPhases.Pre; break;
                case "during" or "Sync": phases |= HookPhases.During; break;
                case "post" or "PostSync": phases |= HookPhases.Post; break;
                case "on-failure" or "SyncFail": phases |= HookPhases.Failure; break;
                case "never" or "Skip": isOff = true; break;
                case "PreDelete" or "PostDelete": break;
                default:
                    Unknown(name, word, "pre, during, post, on-failure, never",
                        "PreSync, Sync, PostSync, SyncFail, Skip, PreDelete, PostDelete");
                    break;
            }
        }
        if (NamesHook && !Words("hook", "hook").Any())
            Error((values.ContainsKey(Own + "hook") ? Own : Argo) + "hook", "names no phase");
        // Delete hooks have no time here at which they run, so alone they are never applied.
        return isOff || (phases == HookPhases.None && NamesHook) ? HookPhases.Never : phases;
    }

    public HookDeletion Deletion()
    {
        HookDeletion deletion = 0;
        foreach (var (name, word) in Words("hook-delete-policy", "hook-delete-policy"))
        {
            switch (word)
            {
                case "before-creation" or "BeforeHookCreation": deletion |= HookDeletion.BeforeCreation; break;
                case "succeeded" or "HookSucceeded": deletion |= HookDeletion.Succeeded; break;
                case "failed" or "HookFailed": deletion |= HookDeletion.Failed; break;
                default: Unknown(name, word, "before-creation, succeeded, failed", "BeforeHookCreation, HookSucceeded, HookFailed"); break;
            }
        }
        return deletion == 0 ? HookDeletion.BeforeCreation : deletion;
    }

    public ManifestOptions Options()
    {
        var options = ArgoOptions();
        const ManifestOptions Prune = ManifestOptions.KeepOnPrune | ManifestOptions.ConfirmPrune;
        switch (OneOf(Own + "prune", "true", "false", "confirm"))
        {
            case "true": options &= ~Prune; break;
            case "false": options = (options & ~Prune) | ManifestOptions.KeepOnPrune; break;
            case "confirm": options = (options & ~Prune) | ManifestOptions.ConfirmPrune; break;
        }
        switch (OneOf(Own + "replace", "true", "false"))
        {
            case "true": options |= ManifestOptions.Replace; break;
            case "false": options &= ~ManifestOptions.Replace; break;
        }
        if (OneOf(Argo + "ignore-healthcheck", "true", "false") == "true") options |= ManifestOptions.IgnoreHealth;
        return options;
    }

    private ManifestOptions ArgoOptions()
    {
        var options = ManifestOptions.None;
        foreach (var (name, word) in Words(null, "sync-options"))
        {
            switch (word)
            {
                case "Prune=false" or "Delete=false": options |= ManifestOptions.KeepOnPrune; break;
                case "Prune=confirm" or "Delete=confirm": options |= ManifestOptions.ConfirmPrune; break;
                case "Replace=true" or "Force=true": options |= ManifestOptions.Replace; break;
                // What left the bundle always goes last.
                case "Prune=true" or "Delete=true" or "Replace=false" or "Force=false" or "PruneLast=true" or "PruneLast=false": break;
                default:
                    if (!WithoutEffect.Contains(word.Split('=')[0], StringComparer.Ordinal) || !word.Contains('='))
                        Error(name, $"'{word}' is not an option of Argo CD, or not a value of it, that is known here");
                    break;
            }
        }
        return options;
    }

    private static int? Whole(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>The comma list of our annotation, or of Argo CD's when ours is not there.</summary>
    private IEnumerable<(string Name, string Word)> Words(string? own, string argo)
    {
        var name = own is not null && values.ContainsKey(Own + own) ? Own + own : Argo + argo;
        return values.TryGetValue(name, out var list)
            ? list.Split(',').Select(word => word.Trim()).Where(word => word.Length > 0).Select(word => (name, word)) : [];
    }

    private string? OneOf(string name, params ReadOnlySpan<string> allowed)
    {
        if (!values.TryGetValue(name, out var value)) return null;
        if (allowed.Contains(value)) return value;
        Error(name, $"'{value}' is not one of {string.Join(", ", allowed.ToArray())}");
        return null;
    }

    private void Unknown(string name, string word, string own, string argo) =>
        Error(name, $"'{word}' is not one of {(name.StartsWith(Own, StringComparison.Ordinal) ? own : argo)}");

    private void Error(string name, string message) => errors.Add(new($"{path}.{name}", message));
}
