using System.CommandLine;
using System.Text.Json;
using Capillary.Fleet.Compile;

namespace Capillary.Cli;

/// <summary><c>capillary fleet render SITE [DIR]</c>.</summary>
internal static class FleetRenderCommand
{
    private enum RenderFormat
    {
        Yaml,
        Json,
    }

    public static Command Create()
    {
        var site = new Argument<string>("SITE") { Description = "The site's name." };
        var folder = FleetFolder.FolderArgument();
        var target = new Option<string?>("--out") { Description = "Write objects and files into this folder instead." };
        var format = CommandOutput.FormatOption<RenderFormat>();
        var command = new Command("render", "Show the objects and files that one site gets.") { site, folder, target, format };
        command.SetAction((parsed, stop) => Task.FromResult(Run(parsed.GetValue(site)!, parsed.GetValue(folder)!, parsed.GetValue(target),
            parsed.GetValue(format), parsed.InvocationConfiguration, stop)));
        return command;
    }

    private static int Run(string name, string folder, string? target, RenderFormat format, InvocationConfiguration io,
        CancellationToken stop)
    {
        var source = new FleetFolder(folder, io.Error);
        if (source.Compile(null, stop) is not { } compilation) return ExitCode.Failed;
        source.Show(compilation.Diagnostics, io.Error);
        if (compilation.FindSite(name) is not { } site)
        {
            if (compilation.Inventory?.FindSite(name) is null) io.Error.WriteLine($"capillary: there is no site '{name}' in {folder}");
            return ExitCode.Failed;
        }
        if (target is not null) Save(site, target, format, io.Output);
        else if (format == RenderFormat.Json) CommandOutput.WriteJson(io.Output, json => Json(json, site));
        else Yaml(site, io.Output);
        return compilation.Diagnostics.HasErrors ? ExitCode.Failed : ExitCode.Done;
    }

    private static void Yaml(CompiledSite site, TextWriter output)
    {
        output.Write($"# site {site.Id}, bundle {site.Bundle}\n");
        foreach (var (name, text) in SiteText.Of(site))
        {
            output.Write($"---\n# {name}\n");
            var isObject = name.Contains("/objects/", StringComparison.Ordinal);
            output.Write(isObject ? text : string.Concat(text.TrimEnd('\n').Split('\n').Select(line => $"# {line}".TrimEnd() + "\n")));
        }
    }

    private static void Json(Utf8JsonWriter json, CompiledSite site)
    {
        json.WriteStartObject();
        json.WriteString("site", site.Id.Value);
        json.WriteString("region", site.Region.Value);
        json.WriteString("bundle", site.Bundle.Text);
        json.WriteStartArray("apps");
        foreach (var app in site.Apps) App(json, app);
        json.WriteEndArray();
        json.WriteStartArray("artifacts");
        foreach (var artifact in site.Artifacts)
        {
            json.WriteStartObject();
            json.WriteString("name", artifact.Descriptor.Title);
            json.WriteString("path", artifact.Path);
            json.WriteString("digest", artifact.Descriptor.Digest.Text);
            json.WriteNumber("size", artifact.Descriptor.Size);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void App(Utf8JsonWriter json, CompiledApp app)
    {
        json.WriteStartObject();
        json.WriteString("name", app.Layer.Name.Value);
        json.WriteString("digest", app.Descriptor.Digest.Text);
        json.WriteNumber("healthDeadlineSeconds", app.Layer.HealthDeadlineSeconds);
        if (app.Layer.Kubernetes is { } policy)
        {
            json.WritePropertyName("kubernetes");
            json.WriteRawValue(policy);
        }
        json.WriteStartArray("objects");
        foreach (var (_, bytes) in app.Layer.Objects.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            using var document = JsonDocument.Parse(bytes);
            document.RootElement.WriteTo(json);
        }
        json.WriteEndArray();
        json.WriteStartObject("files");
        foreach (var (path, bytes) in app.Layer.Files.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            json.WriteString(path, SiteText.FileText(bytes));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Save(CompiledSite site, string target, RenderFormat format, TextWriter output)
    {
        var count = 0;
        foreach (var app in site.Apps)
        {
            var folder = Path.Combine(target, app.Layer.Name.Value);
            foreach (var (key, bytes) in app.Layer.Objects)
            {
                var isJson = format == RenderFormat.Json;
                Write(Path.Combine(folder, "objects", key + (isJson ? ".json" : ".yaml")),
                    isJson ? bytes : System.Text.Encoding.UTF8.GetBytes(SiteText.Yaml(bytes)));
                count++;
            }
            foreach (var (path, bytes) in app.Layer.Files)
            {
                Write(Path.Combine(folder, "files", path), bytes);
                count++;
            }
        }
        output.WriteLine($"site {site.Id}: {count} files in {target}");
    }

    private static void Write(string path, ReadOnlyMemory<byte> bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes.Span);
    }
}
