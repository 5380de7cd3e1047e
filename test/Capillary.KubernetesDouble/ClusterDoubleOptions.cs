namespace Capillary.KubernetesDouble;

/// <summary>How a <see cref="ClusterDouble"/> is started.</summary>
public sealed record ClusterDoubleOptions
{
    /// <summary>TCP port on the loopback address; 0: a free one.</summary>
    public int Port { get; init; }

    /// <summary>Where to write the administrator's kubeconfig; null: a new file in the temporary folder, removed with the double.</summary>
    public string? KubeconfigPath { get; init; }

    /// <summary>The kubeconfig names a client certificate in place of a token.</summary>
    public bool UsesClientCertificate { get; init; }

    /// <summary>Changes that are remembered; a watch or list from before them gets 410.</summary>
    public int HistoryLimit { get; init; } = 20_000;

    /// <summary>How often a watch that allows bookmarks gets one (a real server: each minute).</summary>
    public TimeSpan BookmarkEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>From a change to the cluster's own controllers (garbage collector, namespaces, CRDs).</summary>
    public TimeSpan ControllerPause { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Deployments, StatefulSets, DaemonSets, Jobs, claims, Services … become ready by themselves.</summary>
    public bool RunsControllers { get; init; }
}
