using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Capillary.Core.Apply;
using Capillary.EdgeAgent;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Capillary.HubNode.Api;
using Capillary.HubNode.Observe;
using Capillary.Tests.Fleet;
using Xunit;

namespace Capillary.Tests;

/// <summary>Keeps the pages honest: what they name exists, what exists in code is named, and what they show compiles.</summary>
public sealed partial class DocsTests
{
    private const int MostReadmeWords = 400;

    private static string Root { get; } = FindRoot();

    public static TheoryData<string> Pages => new(
        new[] { "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md" }
            .Concat(Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(Root, file)))
            .Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_leads_somewhere(string page)
    {
        var folder = Path.GetDirectoryName(Path.Combine(Root, page))!;
        foreach (Match link in Link().Matches(WithoutCode(Read(page))))
        {
            var (path, anchor) = (link.Groups["path"].Value, link.Groups["anchor"].Value);
            var target = path.Length == 0 ? Path.Combine(Root, page) : Path.GetFullPath(Path.Combine(folder, path));
            Assert.True(Path.Exists(target), $"{page} links to {path}, which does not exist");
            if (anchor.Length > 0)
                Assert.True(Anchors(File.ReadAllText(target)).Contains(anchor), $"{page} links to {path}#{anchor}: no such heading");
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_path_that_a_page_names_exists(string page)
    {
        foreach (Match path in NamedPath().Matches(Read(page)))
            Assert.True(Path.Exists(Path.Combine(Root, path.Groups[1].Value)), $"{page} names {path.Groups[1].Value}, which does not exist");
    }

    [Fact]
    public void The_readme_is_short()
    {
        var words = Read("README.md").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
        Assert.True(words <= MostReadmeWords, $"README.md has {words} words, at most {MostReadmeWords}: move some to docs/");
    }

    [Fact]
    public void Every_condition_is_explained()
    {
        var page = Read("docs/operations/conditions.md");
        foreach (var code in Constants(typeof(ConditionCodes)).Concat(Constants(typeof(HubConditions)))
            .Append(CopiedKeys.KeyCopied).Append(EventGaps.EventsMissing))
            Assert.True(page.Contains($"| `{code}` |", StringComparison.Ordinal), $"docs/operations/conditions.md has no row for {code}");
        foreach (var code in Constants(typeof(ConditionCodes)))
        {
            var severity = ConditionCodes.SeverityOf(code).ToString().ToLowerInvariant();
            Assert.True(page.Contains($"| `{code}` | {severity} |", StringComparison.Ordinal), $"{code} is of severity {severity}");
        }
    }

    [Fact]
    public void Every_diagnostic_is_listed_and_no_other()
    {
        var listed = DiagnosticId().Matches(Read("docs/fleet-language.md")).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(DiagnosticCodes.All.Select(code => code.Id), listed);
    }

    [Fact]
    public void Every_document_of_the_language_page_compiles()
    {
        var tree = Documents().ToDictionary(item => item.Path, item => item.Text, StringComparer.Ordinal);
        tree.Add("apps/monitor/artifacts/monitor", "a program\n");
        var compilation = FleetCompiler.Compile(CaseFile.Tree(tree), null, FleetCompiler.Sequential, CancellationToken.None);
        Assert.True(compilation.Diagnostics.Shown.Count == 0, string.Join('\n', compilation.Diagnostics.Shown));
        var site = Assert.Single(compilation.Sites!);
        Assert.Equal(["File.config", "File.program", "Service.monitor"], site.Apps.Single().Layer.Objects.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_kind_has_an_example() =>
        Assert.Equal(["App", "File", "Fleet", "Group", "HealthRules", "Region", "RolloutPolicy", "Service", "Site"],
            Documents().Select(item => item.Kind).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void The_allow_list_that_the_page_shows_is_one()
    {
        var page = Read("docs/operations/running.md");
        var json = Blocks(page, "json").Single(block => block.Contains("allowRoot", StringComparison.Ordinal));
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, json);
            Assert.Equal([443], EdgeSettings.Load(file).PrivilegedPorts);
            // What is left out is as the page's table says.
            File.WriteAllText(file, """{"holdGroup":"lab-hold","kubernetes":{}}""");
            var own = EdgeSettings.Load(file);
            Assert.Equal(("lab-hold", 0, 0, 0, 50), (own.HoldGroup, own.Roots.Count, own.Users.Count, own.PrivilegedPorts.Count,
                own.Kubernetes!.MaxPrunePercent));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("viewer")]
    [InlineData("operator")]
    [InlineData("approver")]
    [InlineData("auditor")]
    [InlineData("admin")]
    public void The_table_of_roles_is_what_the_hub_allows(string role)
    {
        var rows = Read("docs/api.md").Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)
            || line.StartsWith("| Route", StringComparison.Ordinal)).Select(line => line.Split('|').Select(cell => cell.Trim()).ToArray()).ToList();
        var column = Array.IndexOf(rows.Single(row => row[1] == "Route"), role);
        // The routes are made without being served: what they need stands beside their paths.
        foreach (var route in ApiRoutes.All(null!, TimeProvider.System))
        {
            var shown = $"`{route.Method} {route.Path}";
            var row = rows.Find(cells => Generic(cells[1]).StartsWith(shown + "`", StringComparison.Ordinal)
                || Generic(cells[1]).StartsWith(shown + "?", StringComparison.Ordinal));
            Assert.True(row is not null, $"docs/api.md has no row for {route.Method} {route.Path}");
            Assert.True((row[column] == "x") == Roles.May(role, route.Needs), $"{role} at {route.Method} {route.Path}: the table is wrong");
        }
    }

    [Fact]
    public void Every_answer_that_the_api_page_shows_is_JSON()
    {
        foreach (var block in Blocks(Read("docs/api.md"), "json")) JsonDocument.Parse(block).Dispose();
    }

    private static string Generic(string cell) => cell.Replace("NAME", "{name}", StringComparison.Ordinal)
        .Replace("NUMBER", "{name}", StringComparison.Ordinal);

    /// <summary>The YAML blocks of the language page, each where a file of its kind stands; host objects are templates of the app.</summary>
    internal static IEnumerable<(string Kind, string Path, string Text)> Documents()
    {
        foreach (var block in Blocks(Read("docs/fleet-language.md"), "yaml"))
        {
            if (!block.StartsWith("apiVersion:", StringComparison.Ordinal)) continue;
            var (kind, name) = (Member(block, "kind"), Member(block, "  name"));
            yield return (kind, kind switch
            {
                "Fleet" => "fleet.yaml",
                "Region" => $"regions/{name}.yaml",
                "Site" => $"sites/eu/{name}.yaml",
                "Group" => $"groups/{name}.yaml",
                "RolloutPolicy" => $"rollouts/{name}.yaml",
                "HealthRules" => $"health/{name}.yaml",
                "App" => $"apps/{name}/app.yaml",
                _ => $"apps/monitor/templates/{kind}-{name}.yaml",
            }, block);
        }
    }

    private static string Member(string block, string name) =>
        block.Split('\n').First(line => line.StartsWith(name + ": ", StringComparison.Ordinal))[(name.Length + 2)..];

    internal static IEnumerable<string> Blocks(string page, string language) =>
        Block().Matches(page).Where(match => match.Groups["language"].Value == language).Select(match => match.Groups["text"].Value);

    private static IEnumerable<string> Constants(Type type) => type.GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(field => field is { IsLiteral: true, FieldType.Name: nameof(String) }).Select(field => (string)field.GetRawConstantValue()!);

    private static HashSet<string> Anchors(string page) => [.. WithoutCode(page).Split('\n').Where(line => line.StartsWith('#'))
        .Select(line => NotInAnchor().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'))];

    private static string WithoutCode(string page) => Block().Replace(page, "");

    internal static string Read(string page) => File.ReadAllText(Path.Combine(Root, page));

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../.."));

    [GeneratedRegex(@"\]\((?!https?:|mailto:)(?<path>[^)#\s]*)(?:#(?<anchor>[^)\s]+))?\)")]
    private static partial Regex Link();

    [GeneratedRegex("`((?:src|test|docs|bench|workloads|examples)/[A-Za-z0-9_./-]+)`")]
    private static partial Regex NamedPath();

    [GeneratedRegex(@"^```(?<language>\w*)\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^\| (CAP\d{4}) \|", RegexOptions.Multiline)]
    private static partial Regex DiagnosticId();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();
}
