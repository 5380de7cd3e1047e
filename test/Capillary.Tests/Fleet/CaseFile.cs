using System.Runtime.CompilerServices;
using System.Text;
using Capillary.Core.Bundles;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;

namespace Capillary.Tests.Fleet;

/// <summary>
/// A small fleet and what it compiles to, in one text: <c>-- path --</c> begins a file, <c>-- !path --</c> takes one of the base fleet
/// (<c>base.txt</c>) away, and <c>-- expected --</c> begins the golden part. <c>CAPILLARY_GOLDEN=update</c> writes that part anew.
/// </summary>
internal sealed class CaseFile
{
    private const string Expected = "expected";

    private CaseFile(string path, string input, SortedDictionary<string, string> files, string expectation) =>
        (Path, Input, Files, Expectation) = (path, input, files, expectation);

    public string Path { get; }

    public string Input { get; }

    public SortedDictionary<string, string> Files { get; }

    public string Expectation { get; }

    public static string Folder([CallerFilePath] string here = "") =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "Cases");

    public static SortedDictionary<string, string> Base() => Load("base").Files;

    public static CaseFile Load(string name)
    {
        var path = System.IO.Path.Combine(Folder(), name + ".txt");
        var files = name == "base" ? new SortedDictionary<string, string>(StringComparer.Ordinal) : Base();
        var (input, expectation) = (new StringBuilder(), new StringBuilder());
        string? current = null;
        foreach (var line in File.ReadAllText(path).TrimEnd('\n').Split('\n'))
        {
            if (line is ['-', '-', ' ', .. var name2, ' ', '-', '-'])
            {
                current = name2;
                if (name2[0] == '!') files.Remove(name2[1..]);
                else if (name2 != Expected) files[name2] = "";
            }
            else if (current is not null and not Expected) files[current] += line + "\n";
            (current == Expected ? expectation : input).Append(line).Append('\n');
        }
        return new CaseFile(path, input.ToString(), files, expectation.ToString());
    }

    public static FleetTree Tree(IEnumerable<KeyValuePair<string, string>> files) =>
        new(files.Select(pair => FileOf(pair.Key, Encoding.UTF8.GetBytes(pair.Value))), []);

    public static TreeFile FileOf(string path, byte[] bytes)
    {
        var digest = Digest.Of(bytes);
        var isArtifact = FleetLayout.Reading(path) == TreeReading.Hash;
        return new TreeFile(path, digest.Text, bytes.Length, isArtifact ? default : bytes, isArtifact ? digest : null);
    }

    public static FleetCompilation Compile(IEnumerable<KeyValuePair<string, string>> files, FleetCompilation? previous = null) =>
        FleetCompiler.Compile(Tree(files.Where(pair => FleetLayout.Reading(pair.Key) != TreeReading.Skip)), previous,
            FleetCompiler.Sequential, default);

    /// <summary>The golden part: diagnostics, and what each site gets.</summary>
    public static string Describe(FleetCompilation compilation)
    {
        var text = new StringBuilder($"-- {Expected} --\n");
        foreach (var item in compilation.Diagnostics.Shown) text.Append(item).Append('\n');
        foreach (var site in compilation.Sites ?? []) Describe(text, site);
        return text.ToString();
    }

    private static void Describe(StringBuilder text, CompiledSite site)
    {
        text.Append($"site {site.Id} in {site.Region}: {site.Bundle}\n");
        text.Append($"  {Encoding.UTF8.GetString(site.Manifest.Content.Span)}\n");
        foreach (var app in site.Apps)
        {
            text.Append($"  app {app.Layer.Name}: {app.Descriptor.Digest}, health {app.Layer.HealthDeadlineSeconds} s\n");
            if (app.Layer.Kubernetes is { } policy) text.Append($"    kubernetes {policy}\n");
            foreach (var (key, json) in app.Layer.Objects.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                text.Append($"    {key} {Encoding.UTF8.GetString(json.Span)}\n");
            foreach (var (path, bytes) in app.Layer.Files.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                text.Append($"    {path} \"{Encoding.UTF8.GetString(bytes.Span).Replace("\n", "\\n", StringComparison.Ordinal)}\"\n");
        }
        foreach (var artifact in site.Artifacts) text.Append($"  artifact {artifact.Descriptor.Title} {artifact.Path}\n");
    }
}
