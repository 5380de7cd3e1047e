using System.Net;
using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Background;
using Capillary.KubernetesDouble.Http;
using Capillary.KubernetesDouble.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Capillary.KubernetesDouble;

/// <summary>A Kubernetes API server in memory, on HTTPS: for tests, figures and use by hand. What it covers: README.md beside this
/// file.</summary>
public sealed class ClusterDouble : IAsyncDisposable
{
    private readonly ClusterDoubleOptions options;
    private readonly Credentials credentials = new();
    private readonly ClusterState state;
    private readonly ObjectWriter writer;
    private readonly Watches watches;
    private readonly ApiServer server;
    private readonly BackgroundLoop background;
    private WebApplication? host;

    private ClusterDouble(ClusterDoubleOptions options)
    {
        this.options = options;
        state = new ClusterState(options.HistoryLimit);
        writer = new ObjectWriter(state);
        watches = new Watches(state, Faults, options.BookmarkEvery);
        var writes = new Writes(writer, new ObjectDeleter(state), state);
        server = new ApiServer(state, credentials, Faults, Requests, new Reads(state), watches, writes);
        background = new BackgroundLoop(state, options.ControllerPause) { RunsControllers = options.RunsControllers };
        KubeconfigPath = options.KubeconfigPath ?? Path.Combine(Path.GetTempPath(), $"capillary-double-{Guid.NewGuid():n}.kubeconfig");
    }

    /// <summary>Where it listens; the same through <see cref="StopAsync"/> and <see cref="StartAgainAsync"/>.</summary>
    public Uri Address { get; private set; } = new("https://127.0.0.1");

    /// <summary>A kubeconfig file with the administrator's rights.</summary>
    public string KubeconfigPath { get; }

    /// <summary>The administrator's bearer token.</summary>
    public string Token => credentials.AdminToken;

    /// <summary>The CA of its certificate, PEM.</summary>
    public string CaPem => credentials.CaPem;

    /// <summary>What it does wrong on purpose.</summary>
    public Faults Faults { get; } = new();

    /// <summary>All that was asked of it.</summary>
    public RequestLog Requests { get; } = new();

    /// <summary>The counter of changes: the newest <c>resourceVersion</c>.</summary>
    public long Revision => state.Store.Revision;

    /// <summary>Whether workloads become ready by themselves shortly after they were written.</summary>
    public bool RunsControllers
    {
        get => background.RunsControllers;
        set => background.RunsControllers = value;
    }

    /// <summary>Starts one, with the namespaces of an empty cluster.</summary>
    public static async Task<ClusterDouble> StartAsync(ClusterDoubleOptions? options = null)
    {
        var cluster = new ClusterDouble(options ?? new ClusterDoubleOptions());
        foreach (var space in (string[])["default", "kube-node-lease", "kube-public", "kube-system"])
        {
            var request = new WriteRequest(cluster.state.Types.Get("", "namespaces"), "", "", "", "kube-apiserver", false);
            cluster.writer.Create(request, new JsonObject { ["metadata"] = new JsonObject { ["name"] = space } });
        }
        // As a server that was just started: it knows nothing from before.
        cluster.state.Store.Forget();
        cluster.background.Start();
        await cluster.ListenAsync(cluster.options.Port);
        await File.WriteAllTextAsync(cluster.KubeconfigPath,
            cluster.credentials.Kubeconfig(cluster.Address, cluster.options.UsesClientCertificate));
        return cluster;
    }

    /// <summary>Another user's token; they may do everything too.</summary>
    /// <param name="user">The name that <see cref="ApiCall.User"/> will show.</param>
    public string AddToken(string user)
    {
        var token = Guid.NewGuid().ToString("n");
        credentials.Tokens[token] = user;
        return token;
    }

    /// <summary>From now on this token is nobody's.</summary>
    public void RevokeToken(string token) => credentials.Tokens.Remove(token);

    /// <summary>The API server goes away, connections and all; its state stays.</summary>
    public async Task StopAsync()
    {
        if (host is null) return;
        watches.Close();
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        try
        {
            await host.StopAsync(atOnce.Token);
        }
        catch (OperationCanceledException)
        {
            // Connections were open, and are closed now.
        }
        await host.DisposeAsync();
        host = null;
    }

    /// <summary>It is back, on the same port, with the same state.</summary>
    public Task StartAgainAsync() => ListenAsync(Address.Port);

    /// <summary>Ends all open watches, as a server does before it goes.</summary>
    public void CloseWatches() => watches.Close();

    /// <summary>As after a compaction: who resumes from an earlier revision gets 410. Open watches go on.</summary>
    public void ForgetHistory() => state.Store.Forget();

    /// <summary>An object as it is stored; null when there is none.</summary>
    public JsonObject? Find(ClusterObject which) => state.Types.FindKind(which.Group, null, which.Kind) is { } type
        ? state.Store.Find(type.Place, ObjectStore.Key(which.Namespace, which.Name))?.Reread()
        : null;

    /// <summary>All objects of a kind.</summary>
    /// <param name="group">"" is the core group.</param>
    /// <param name="kind">Such as <c>Deployment</c>.</param>
    public IReadOnlyList<JsonObject> All(string group, string kind) =>
        state.Types.FindKind(group, null, kind) is { } type ? [.. state.Store.All(type.Place).Select(tree => tree.Reread())] : [];

    /// <summary>Creates an object past HTTP, as another field manager.</summary>
    /// <param name="json">The object, with apiVersion, kind and metadata.</param>
    /// <param name="manager">Who writes it.</param>
    /// <exception cref="KeyNotFoundException">Its kind is not served.</exception>
    public void Create(string json, string manager)
    {
        var tree = Json.Object(json);
        var version = tree.Text("apiVersion")!.Split('/');
        var type = state.Types.FindKind(version.Length > 1 ? version[0] : "", version[^1], tree.Text("kind")!)
            ?? throw new KeyNotFoundException($"no kind {tree.Text("kind")}");
        var space = type.Namespaced ? tree.Text("metadata", "namespace") ?? "default" : "";
        writer.Create(new WriteRequest(type, space, "", "", manager, false), tree);
    }

    /// <summary>Changes an object past HTTP by a merge patch, as another field manager (an ordinary update, no apply).</summary>
    /// <param name="which">Which object.</param>
    /// <param name="mergePatch">RFC 7396.</param>
    /// <param name="manager">Who writes it.</param>
    /// <exception cref="KeyNotFoundException">There is no such object.</exception>
    public void Edit(ClusterObject which, string mergePatch, string manager = "kubectl-edit") =>
        writer.Update(Request(which, manager, ""), live => Patches.Merged(live, JsonNode.Parse(mergePatch))!.AsObject());

    /// <summary>Deletes an object past HTTP (propagation: background).</summary>
    /// <exception cref="KeyNotFoundException">There is no such object.</exception>
    public void Delete(ClusterObject which) => new ObjectDeleter(state)
        .Delete(Request(which, "", "").Type, which.Namespace, which.Name, DeleteOptions.None with { Propagation = "Background" });

    /// <summary>Writes the whole status of an object, as its controller does.</summary>
    /// <param name="which">Which object.</param>
    /// <param name="status">JSON.</param>
    /// <exception cref="KeyNotFoundException">There is no such object.</exception>
    public void SetStatus(ClusterObject which, string status) => writer.Update(Request(which, ObjectPass.Manager, "status"), live =>
    {
        live["status"] = JsonNode.Parse(status);
        return live;
    });

    /// <summary>Gives an object the status that its controller writes when all is well; false when its kind has none.</summary>
    /// <exception cref="KeyNotFoundException">There is no such object.</exception>
    public bool MakeHealthy(ClusterObject which) => background.MakeHealthy(Request(which, "", "").Type, Find(which)!);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await background.DisposeAsync();
        credentials.Dispose();
        if (options.KubeconfigPath is null) File.Delete(KubeconfigPath);
    }

    private WriteRequest Request(ClusterObject which, string manager, string subresource)
    {
        var type = state.Types.FindKind(which.Group, null, which.Kind);
        if (type is null || state.Store.Find(type.Place, ObjectStore.Key(which.Namespace, which.Name)) is null)
            throw new KeyNotFoundException($"there is no {which}");
        return new WriteRequest(type, which.Namespace, which.Name, subresource, manager, false);
    }

    private async Task ListenAsync(int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 3 * 1024 * 1024;
            kestrel.Listen(IPAddress.Loopback, port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(credentials.Server, https =>
                {
                    https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                    https.ClientCertificateValidation = (certificate, _, _) => credentials.IsOurs(certificate);
                });
            });
        });
        host = builder.Build();
        host.Run(server.HandleAsync);
        await host.StartAsync();
        Address = new Uri(host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }
}
