using System.CommandLine;
using System.Text;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary>How <c>capillary site manifest</c> shows its objects.</summary>
internal enum ManifestFormat
{
    Yaml,
    Json,
}

/// <summary><c>capillary site manifest NAME</c>: what a technician applies to a cluster, so that it becomes this site.</summary>
internal static class SiteManifestCommand
{
    public static Command Create(HubConnection connection)
    {
        var name = new Argument<string>("NAME") { Description = "The site's name in the fleet repository; its platform is kubernetes." };
        var image = new Option<string>("--image")
        {
            Description = "The agent's container image, where the site's cluster can pull it ('./dev image' makes it).", Required = true,
        };
        var space = new Option<string>("--namespace")
        {
            Description = "The agent's namespace.", DefaultValueFactory = _ => "capillary-system",
        };
        var file = new Option<string?>("--out") { Description = "Write the manifest here (mode 0600) instead of showing it." };
        var storageClass = new Option<string?>("--storage-class")
        {
            Description = "Storage class of the agent's volume (default: the cluster's).",
        };
        var storage = new Option<string>("--storage") { Description = "Size of that volume.", DefaultValueFactory = _ => "1Gi" };
        var hostPath = new Option<string?>("--host-path")
        {
            Description = "Instead of a volume: a folder of the cluster's only node, made before and owned by 65532.",
        };
        var openshift = new Option<bool>("--openshift") { Description = "Leave user and group to the cluster, as OpenShift demands." };
        var join = new JoinOptions("site");
        var format = CommandOutput.FormatOption<ManifestFormat>();
        var command = new Command("manifest", "Make the Kubernetes objects that let a cluster in as this site, once: kubectl apply -f -")
            { name, image, space, file, storageClass, storage, hostPath, openshift };
        join.AddTo(command);
        command.Options.Add(format);
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var wish = new AgentManifest(parsed.GetValue(name)!, parsed.GetValue(image)!, parsed.GetValue(space)!)
            {
                StorageClass = parsed.GetValue(storageClass), Storage = parsed.GetValue(storage)!, HostPath = parsed.GetValue(hostPath),
                IsOpenShift = parsed.GetValue(openshift),
            };
            if (wish.Problem() is { } problem) throw new CommandException(problem, ExitCode.Usage);
            var (given, through) = (join.Parents(parsed), join.Proxy(parsed));
            var answer = await hub.PostAsync($"api/v1/sites/{Uri.EscapeDataString(wish.Site)}/enroll",
                new { parents = given, lifetimeMinutes = join.Minutes(parsed), needsParents = true, platform = "kubernetes" }, stop);
            var objects = wish.Objects(Encoding.UTF8.GetString(JoinOptions.File(answer, through).ToBytes()));
            await ShowAsync(parsed, Text(objects, parsed.GetValue(format)), parsed.GetValue(file), answer);
        });
        return command;
    }

    /// <summary>One list, or documents one after another.</summary>
    public static string Text(IReadOnlyList<JsonElement> objects, ManifestFormat format)
    {
        if (format == ManifestFormat.Json)
        {
            using var output = new StringWriter();
            var list = JsonSerializer.SerializeToElement(new { apiVersion = "v1", kind = "List", items = objects });
            CommandOutput.WriteJson(output, list.WriteTo);
            return output.ToString();
        }
        var text = new StringBuilder();
        foreach (var item in objects) YamlText.Write(text.Append("---\n"), item, 0);
        return text.ToString();
    }

    private static async Task ShowAsync(ParseResult parsed, string text, string? file, JsonElement answer)
    {
        var (output, errors) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        var until = $"it holds a join code, good once until {HubCall.Time(answer.Text("expiresAt"))}";
        if (file is null)
        {
            await output.WriteAsync(text);
            await errors.WriteLineAsync($"# {answer.Text("node")}: {until}");
            return;
        }
        EnrollCommand.Write(file, Encoding.UTF8.GetBytes(text));
        await output.WriteLineAsync($"{file}: {until}; at the site: kubectl apply -f {file}");
    }
}
