using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Core.Bundles;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>
/// What we own, kept in the cluster itself: one ConfigMap an app in the agent's namespace, a line an object
/// (docs/operations/kubernetes.md).
/// An agent that lost its disk knows from it what to prune, and that nothing differs.
/// </summary>
internal sealed class ClusterInventory(KubeClient client, string space, string site)
{
    private const string Label = "capillary.dev/inventory-of";
    private const string Member = "objects";

    // A ConfigMap holds 1 MiB.
    private const int MaxBytes = 1_000_000;
    private readonly Dictionary<string, string> written = new(StringComparer.Ordinal);

    private string All => $"/api/v1/namespaces/{space}/configmaps";

    /// <summary>What the cluster says of this site's objects.</summary>
    public async Task<ImmutableArray<OwnedObject>> ReadAsync(CancellationToken stop)
    {
        var owned = ImmutableArray<OwnedObject>.Empty;
        await client.ListAsync($"{All}?labelSelector={Uri.EscapeDataString($"{Label}={site}")}", 10, item =>
        {
            var app = item.GetProperty("metadata").GetProperty("labels").GetProperty("capillary.dev/inventory-app").GetString()!;
            var lines = item.TryGetProperty("data", out var data) && data.TryGetProperty(Member, out var text) ? text.GetString()! : "";
            foreach (var line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                if (Parse(app, line) is { } known) owned = owned.With(known);
            }
        }, stop);
        return owned;
    }

    /// <summary>Keeps an app's list; what it says already is not written again.</summary>
    /// <exception cref="StepException">It does not fit.</exception>
    public async Task KeepAsync(string app, ImmutableArray<OwnedObject> objects, CancellationToken stop)
    {
        var text = string.Concat(objects.Select(Line));
        if (written.GetValueOrDefault(app) == text) return;
        var path = $"{All}/capillary-inventory-{app}";
        if (Encoding.UTF8.GetByteCount(text) > MaxBytes)
            throw new StepException(ConditionCodes.ApplyFailed, app, $"app '{app}' has too many objects for one list ({objects.Length})",
                true);
        if (objects.IsEmpty) await RemoveAsync(path, stop);
        else await WriteAsync(path, Body(app, text), stop);
        written[app] = text;
    }

    /// <summary>An agent outside of the cluster may be the first to need the namespace.</summary>
    private async Task WriteAsync(string path, byte[] body, CancellationToken stop)
    {
        try
        {
            (await client.ApplyAsync(path, body, force: true, dryRun: false, stop)).Dispose();
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            var own = Encoding.UTF8.GetBytes($$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{space}}}"}}""");
            (await client.ApplyAsync($"/api/v1/namespaces/{space}", own, force: true, dryRun: false, stop)).Dispose();
            (await client.ApplyAsync(path, body, force: true, dryRun: false, stop)).Dispose();
        }
    }

    private async Task RemoveAsync(string path, CancellationToken stop)
    {
        try
        {
            await client.DeleteAsync(path, null, stop);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            // It is as it should be.
        }
    }

    private byte[] Body(string app, string text)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", "v1");
            json.WriteString("kind", "ConfigMap");
            json.WriteStartObject("metadata");
            json.WriteString("name", $"capillary-inventory-{app}");
            json.WriteString("namespace", space);
            json.WriteStartObject("labels");
            json.WriteString(Label, site);
            json.WriteString("capillary.dev/inventory-app", app);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartObject("data");
            json.WriteString(Member, text);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static string Line(OwnedObject item) => string.Create(CultureInfo.InvariantCulture,
        $"{item.Kind} {item.Path} {item.Digest?.Text ?? "-"} {item.Mark ?? "-"} {item.Mode} {item.Order}\n");

    private static OwnedObject? Parse(string app, string line)
    {
        if (line.Split(' ') is not [var kind, var path, var digest, var mark, var mode, var order]
            || !Enum.TryParse<OwnedKind>(kind, out var parsed) || path.Split('/').Length != 5
            || !int.TryParse(mode, NumberStyles.None, CultureInfo.InvariantCulture, out var options)
            || !int.TryParse(order, NumberStyles.None, CultureInfo.InvariantCulture, out var place)) return null;
        return new OwnedObject(parsed, app, ObjectRef.Parse(path).Name, path, Digest.TryParse(digest, out var found) ? found : null,
            options,
            null, false, mark == "-" ? null : mark, place);
    }
}
