using System.Text.Json;
using System.Text.RegularExpressions;
using Capillary.Core.Identity;

namespace Capillary.Cli;

/// <summary>The objects that run the edge agent in a cluster.</summary>
/// <param name="Site">The site.</param>
/// <param name="Image">The agent's image.</param>
/// <param name="Namespace">Where it runs.</param>
internal sealed partial record AgentManifest(string Site, string Image, string Namespace)
{
    private const string Name = "capillary-edge";
    private const string JoinSecret = "capillary-edge-join";

    /// <summary>The account of the agent in its image.</summary>
    private const int User = 65532;

    public string Storage { get; init; } = "1Gi";

    public string? StorageClass { get; init; }

    /// <summary>A folder of the node in place of a volume.</summary>
    public string? HostPath { get; init; }

    /// <summary>The cluster gives each namespace its own users, and takes no other.</summary>
    public bool IsOpenShift { get; init; }

    private object Labels => new Dictionary<string, string>
    {
        ["app.kubernetes.io/name"] = Name, ["app.kubernetes.io/instance"] = Site, ["app.kubernetes.io/part-of"] = "capillary",
    };

    /// <summary>What no cluster would take, in words; null: nothing.</summary>
    public string? Problem() =>
        !DnsLabel.IsValid(Namespace) ? $"--namespace {Namespace}: is not a namespace; use 1 to 63 lower-case letters, digits and '-'"
        : Image.Length == 0 || Image.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) ? $"--image {Image}: is not the name of an image"
        : !Quantity().IsMatch(Storage) ? $"--storage {Storage}: is not a size, such as 1Gi"
        : HostPath is not null && (!HostPath.StartsWith('/') || HostPath.Any(char.IsControl))
            ? $"--host-path {HostPath}: is not an absolute path"
        : HostPath is not null && StorageClass is not null ? "give either --host-path or --storage-class"
        : null;

    /// <summary>In the order in which a cluster takes them.</summary>
    /// <param name="join">The join file's text.</param>
    public IReadOnlyList<JsonElement> Objects(string join)
    {
        var objects = new List<object>
        {
            new
            {
                apiVersion = "v1", kind = "Namespace",
                metadata = new
                {
                    name = Namespace,
                    labels = new Dictionary<string, string>
                    {
                        // No folder of a node is allowed under any stricter one.
                        ["pod-security.kubernetes.io/enforce"] = HostPath is null ? "restricted" : "privileged",
                    },
                },
            },
            new { apiVersion = "v1", kind = "ServiceAccount", metadata = Meta(Name) },
            Role(),
            Binding(),
            new
            {
                apiVersion = "v1", kind = "Secret", metadata = Meta(JoinSecret), type = "Opaque",
                stringData = new Dictionary<string, string> { [$"{Site}.join"] = join },
            },
        };
        if (HostPath is null) objects.Add(Claim());
        objects.Add(Deployment());
        return [.. objects.Select(item => JsonSerializer.SerializeToElement(item))];
    }

    private object Meta(string name) => new { name, @namespace = Namespace, labels = Labels };

    /// <summary>Whatever the fleet repository may hold, by the few verbs that apply it. It gives away no right that it lacks.</summary>
    private object Role() => new
    {
        apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRole", metadata = new { name = $"{Name}-{Site}", labels = Labels },
        rules = new object[]
        {
            new
            {
                apiGroups = (string[])["*"], resources = (string[])["*"],
                verbs = (string[])["get", "list", "watch", "create", "patch", "delete"],
            },
            new { nonResourceURLs = (string[])["/api", "/api/*", "/apis", "/apis/*", "/openapi/*", "/version"], verbs = (string[])["get"] },
        },
    };

    private object Binding() => new
    {
        apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRoleBinding",
        metadata = new { name = $"{Name}-{Site}", labels = Labels },
        roleRef = new { apiGroup = "rbac.authorization.k8s.io", kind = "ClusterRole", name = $"{Name}-{Site}" },
        subjects = new[] { new { kind = "ServiceAccount", name = Name, @namespace = Namespace } },
    };

    private object Claim()
    {
        var spec = new Dictionary<string, object>
        {
            ["accessModes"] = (string[])["ReadWriteOnce"],
            ["resources"] = new { requests = new { storage = Storage } },
        };
        if (StorageClass is not null) spec["storageClassName"] = StorageClass;
        return new { apiVersion = "v1", kind = "PersistentVolumeClaim", metadata = Meta($"{Name}-data"), spec };
    }

    private object Deployment() => new
    {
        apiVersion = "apps/v1", kind = "Deployment", metadata = Meta(Name),
        spec = new
        {
            // Two agents of one key would be taken for a copied key.
            replicas = 1,
            strategy = new { type = "Recreate" },
            selector = new { matchLabels = Labels },
            template = new { metadata = new { labels = Labels }, spec = Pod() },
        },
    };

    private object Pod() => new
    {
        serviceAccountName = Name,
        securityContext = Security(),
        containers = new[]
        {
            new
            {
                name = Name,
                image = Image,
                args = (string[])["run", "--data", "/data", "--join", $"/join/{Site}.join", "--in-cluster"],
                securityContext = new
                {
                    allowPrivilegeEscalation = false, readOnlyRootFilesystem = true, capabilities = new { drop = (string[])["ALL"] },
                },
                resources = new { requests = new { cpu = "10m", memory = "45Mi" }, limits = new { memory = "80Mi" } },
                volumeMounts = new object[]
                {
                    new { name = "data", mountPath = "/data" },
                    new { name = "join", mountPath = "/join", readOnly = true },
                    new { name = "tmp", mountPath = "/tmp" },
                },
            },
        },
        volumes = new object[]
        {
            HostPath is null
                ? new { name = "data", persistentVolumeClaim = new { claimName = $"{Name}-data" } }
                : new { name = "data", hostPath = new { path = HostPath, type = "Directory" } },
            // A code is good once; whoever removes it after the join does no harm.
            new { name = "join", secret = new { secretName = JoinSecret, defaultMode = 0x120, optional = true } },
            new { name = "tmp", emptyDir = new { sizeLimit = "16Mi" } },
        },
    };

    private object Security() => IsOpenShift
        ? new { runAsNonRoot = true, seccompProfile = new { type = "RuntimeDefault" } }
        : new
        {
            runAsNonRoot = true, runAsUser = User, runAsGroup = User, fsGroup = User, fsGroupChangePolicy = "OnRootMismatch",
            seccompProfile = new { type = "RuntimeDefault" },
        };

    [GeneratedRegex("^[1-9][0-9]*([KMGT]i?)?$")]
    private static partial Regex Quantity();
}
