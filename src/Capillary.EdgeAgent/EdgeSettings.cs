using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Trust;
using Capillary.EdgeAgent.Apply.Kubernetes;
using Capillary.Node.Journal;
using Capillary.Node.Links;

namespace Capillary.EdgeAgent;

/// <summary>
/// The site's own allow-list, <c>edge.json</c> in the agent's folder: written by the site's people, never by a commit or a hub.
/// </summary>
// A member that the file lacks is set to null (or 0) by generated readers, whatever stands behind its "=".
internal sealed record EdgeSettings
{
    /// <summary>
    /// Folders below which bundles may put files; the first is the root of relative paths. Default: <c>root</c> in the agent's folder.
    /// </summary>
    public IReadOnlyList<string> Roots { get; init => field = value ?? []; } = [];

    /// <summary>Fleet user name to local account. Default: none, so no service may run.</summary>
    public IReadOnlyDictionary<string, string> Users { get; init => field = value ?? new Dictionary<string, string>(); } =
        new Dictionary<string, string>();

    /// <summary>Whether a user may be root here. Default: no.</summary>
    public bool AllowRoot { get; init; }

    /// <summary>Ports below 1024 that a service may listen on. Default: none.</summary>
    public IReadOnlyList<int> PrivilegedPorts { get; init => field = value ?? []; } = [];

    /// <summary>The most that blobs may take of the network, such as <c>2MB/s</c>. Default: no limit.</summary>
    public string? MaxRate { get; init; }

    /// <summary>When big blobs wait, by the local clock, such as <c>07:00-19:00</c>. Default: never.</summary>
    public string? QuietHours { get; init; }

    /// <summary>The cluster that this agent applies to; null: it applies to its own host.</summary>
    public ClusterSettings? Kubernetes { get; init; }

    /// <summary>
    /// <c>systemd</c>: services are systemd units; <c>own</c>: they are processes that the agent starts itself. Default: units where
    /// systemd started the agent and it may manage them.
    /// </summary>
    public string? Services { get; init; }

    /// <summary>The local group whose members may hold (<c>hold/hold.sock</c>). Default: the agent's own.</summary>
    public string? HoldGroup { get; init; }

    /// <summary>What the site's people allow the link; null: anything.</summary>
    /// <exception cref="InvalidDataException">A text is no rate or no hours.</exception>
    public LinkLimits? Limits(string path) => LinkLimits.Parse(MaxRate, QuietHours, $"{path}: maxRate", $"{path}: quietHours");

    /// <exception cref="InvalidDataException">The file is not such a list; says where.</exception>
    public static EdgeSettings Load(string path)
    {
        if (!File.Exists(path)) return new EdgeSettings();
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), EdgeJson.Default.EdgeSettings) ?? new EdgeSettings();
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}:{e.LineNumber + 1}: {e.Message}", e);
        }
    }

    public void Save(string path) => AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, EdgeJson.Default.EdgeSettings));
}

/// <summary>Which cluster the agent applies to, and what the site's people allow there.</summary>
internal sealed record ClusterSettings
{
    /// <summary>A kubeconfig; null: the service account of the pod that the agent runs in.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>Where the agent keeps its lists of what it owns. Default: its pod's namespace, or <c>capillary-system</c>.</summary>
    public string? Namespace { get; init; }

    /// <summary>The share of owned objects that may be removed without an operator's confirmation, 0 to 100. Default: 50.</summary>
    public int MaxPrunePercent { get; set; } = 50;

    /// <exception cref="InvalidDataException">There is no such cluster; says why.</exception>
    public KubeConnection Connect(string file)
    {
        if (MaxPrunePercent is < 0 or > 100)
            throw new InvalidDataException($"{file}: kubernetes.maxPrunePercent is {MaxPrunePercent}, expected 0 to 100");
        var connection = Kubeconfig is { } path ? KubeConfigFile.Load(path) : KubeConnection.InCluster();
        return Namespace is { } space ? connection with { Namespace = space } : connection;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(EdgeSettings))]
[JsonSerializable(typeof(AcceptedLine))]
[JsonSerializable(typeof(Envelope))]
[JsonSerializable(typeof(ReservedNumbers))]
internal sealed partial class EdgeJson : JsonSerializerContext;
