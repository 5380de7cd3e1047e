using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Capillary.Tests;

/// <summary>The rules of the house that execute: who may use whom is read from the built assemblies, the rest from the sources.</summary>
public sealed partial class HouseTests
{
    private const string Core = "Capillary.Core";
    private const string Jinja = "Capillary.Jinja";
    private const string Fleet = "Capillary.Fleet";
    private const string Node = "Capillary.Node";
    private const string Hub = "Capillary.HubNode";
    private const string Region = "Capillary.RegionNode";
    private const string Edge = "capillary-edge";
    private const string Cli = "capillary";

    private static readonly Dictionary<string, (string[] May, string Why)> Rule = new()
    {
        [Core] = ([], "Core is what every tier must agree on; whatever it used, all of them would load"),
        [Jinja] = ([], "Jinja is a library of its own"),
        [Fleet] = ([Core, Jinja, "YamlDotNet"], "Fleet decides what the hub decides, pure as Core"),
        [Node] = ([Core], "Node does for every tier, and no tier may come with it"),
        [Hub] = ([Core, Fleet, Jinja, Node], "tiers never refer to one another; they meet in Core/Protocol"),
        [Region] = ([Core, Node], "a region is parent + child and nothing else"),
        [Edge] = ([Core, Node], "an edge agent is child + apply; it must stay small and know nothing of deciding"),
        [Cli] = ([Core, Fleet, Jinja, Node, Hub, Region, Edge], "the command line stands on all of them"),
    };

    /// <summary>Order of the folders in Core: each uses only those left of it.</summary>
    private static readonly string[] CoreFolders = ["Identity", "Bundles", "Trust", "Apply", "Reports", "Protocol"];

    private static readonly string[] NotAName =
        ["Common", "Shared", "Utils", "Helpers", "Abstractions", "Services", "Managers", "Models"];

    /// <summary>Files of rooms that others are working on, with lines that were too long before there was this rule. Only ever shrinks.</summary>
    private static readonly string[] LongLinesOwed =
    [
        "src/Capillary.Core/Apply/HostObjectReader.cs", "src/Capillary.Core/Apply/HostObjects.cs", "src/Capillary.Core/Apply/ObjectFields.cs",
        "src/Capillary.Node/Keys/SigningKey.cs",
    ];

    private static string Root { get; } = FindRoot();

    public static TheoryData<string> Rooms => new(Rule.Keys);

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_uses_only_the_rooms_it_may(string room)
    {
        var (may, why) = Rule[room];
        foreach (var used in ReferencesOf(room).Where(used => Rule.ContainsKey(used)))
            Assert.True(may.Contains(used), $"{room} uses {used}. It may use [{string.Join(", ", may)}]: {why}.");
    }

    [Theory]
    [InlineData(Core)]
    [InlineData(Jinja)]
    public void Core_and_Jinja_use_the_base_library_only(string room)
    {
        foreach (var used in ReferencesOf(room))
            Assert.True(used.StartsWith("System.", StringComparison.Ordinal) || used == "System", $"{room} uses {used}: base library only.");
    }

    [Theory]
    [InlineData(Region)]
    [InlineData(Edge)]
    public void Region_and_edge_never_load_what_the_hub_decides_with(string room)
    {
        foreach (var loaded in ClosureOf(room))
            Assert.False(loaded is Fleet or Jinja || loaded == Hub || (loaded == "YamlDotNet" && room == Region),
                $"{room} loads {loaded}: deciding stays at the hub, and a field machine does not pay for it. (A kubeconfig is YAML.)");
    }

    [Fact]
    public void In_Core_a_folder_uses_only_folders_left_of_it()
    {
        foreach (var file in Sources("src/Capillary.Core"))
        {
            var at = Array.IndexOf(CoreFolders, file.Split('/')[2]);
            Assert.True(at >= 0, $"{file}: Core has the folders {string.Join(", ", CoreFolders)}");
            foreach (Match mention in CoreMention().Matches(CodeOf(file)))
            {
                var used = Array.IndexOf(CoreFolders, mention.Groups["folder"].Value);
                Assert.True(used <= at, $"{file} uses {mention.Value}: a folder uses only folders left of it in {string.Join(", ", CoreFolders)}");
            }
        }
    }

    [Fact]
    public void Files_and_lines_are_short()
    {
        foreach (var file in Sources("src"))
        {
            var lines = File.ReadAllLines(Path.Combine(Root, file));
            Assert.True(lines.Length <= 400, $"{file} has {lines.Length} lines, at most 400: a noun that outgrew its file");
            if (LongLinesOwed.Contains(file)) continue;
            for (var i = 0; i < lines.Length; i++)
                Assert.True(lines[i].Length <= 140, $"{file}:{i + 1} has {lines[i].Length} characters, at most 140");
        }
    }

    [Fact]
    public void Nothing_has_a_name_that_says_nothing()
    {
        foreach (var part in Sources("src").SelectMany(file => Path.GetDirectoryName(file)!.Split('/')).Distinct())
            Assert.False(NotAName.Contains(part, StringComparer.OrdinalIgnoreCase), $"folder {part}: name what is in it");
        foreach (var (_, type) in Types()) Assert.False(NotAName.Contains(type), $"type {type}: name what it does");
    }

    [Fact]
    public void A_namespace_is_never_a_types_name()
    {
        var parts = Types().SelectMany(type => type.Namespace.Split('.')).ToHashSet();
        foreach (var (space, type) in Types())
            Assert.False(parts.Contains(type), $"{space}.{type}: a namespace has this name too, and every use would need to be qualified");
    }

    [Fact]
    public void Every_public_type_of_Core_says_what_it_is()
    {
        var documented = XDocument.Load(Path.Combine(AppContext.BaseDirectory, Core + ".xml")).Descendants("member")
            .Where(member => !string.IsNullOrWhiteSpace(member.Element("summary")?.Value)).Select(member => (string)member.Attribute("name")!).ToHashSet();
        foreach (var type in typeof(Capillary.Core.Bundles.Digest).Assembly.GetExportedTypes())
            Assert.True(documented.Contains($"T:{type.FullName!.Replace('+', '.')}"), $"{type.FullName} has no XML doc summary");
    }

    [Fact]
    public void Every_dependency_has_its_reason()
    {
        var reason = false;
        foreach (var line in File.ReadAllLines(Path.Combine(Root, "Directory.Packages.props")).Select(line => line.Trim()))
        {
            if (line.StartsWith("<PackageVersion", StringComparison.Ordinal)) Assert.True(reason, $"{line}: say in a comment above why it is here");
            else reason = line.EndsWith("-->", StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_architecture_page_names_only_what_exists()
    {
        var page = Path.Combine(Root, "ARCHITECTURE.md");
        if (!File.Exists(page)) return;
        var text = File.ReadAllText(page);
        foreach (Match path in NamedPath().Matches(text))
            Assert.True(Path.Exists(Path.Combine(Root, path.Groups[1].Value)), $"ARCHITECTURE.md names {path.Groups[1].Value}, which does not exist");
        foreach (Match cell in GridCell().Matches(string.Join('\n', text.Split('\n').Where(line => line.StartsWith('|')))))
            Assert.True(Path.Exists(Path.Combine(Root, "src", "Capillary." + cell.Value)), $"ARCHITECTURE.md's grid names {cell.Value}: no such folder");
    }

    // XML docs may point anywhere; only what the compiler binds counts.
    private static string CodeOf(string file) =>
        string.Join('\n', File.ReadLines(Path.Combine(Root, file)).Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal)));

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    private static IEnumerable<(string Namespace, string Name)> Types() => Rule.Keys.SelectMany(room => Read(room, metadata =>
        metadata.TypeDefinitions.Select(metadata.GetTypeDefinition).Where(type => !type.IsNested)
            .Select(type => (Namespace: metadata.GetString(type.Namespace), Name: metadata.GetString(type.Name).Split('`')[0]))
            .Where(type => type.Namespace.StartsWith("Capillary", StringComparison.Ordinal)).ToList()));

    private static List<string> ReferencesOf(string assembly) => Read(assembly, metadata =>
        metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).ToList());

    private static HashSet<string> ClosureOf(string assembly)
    {
        var closure = new HashSet<string>();
        var open = new Queue<string>([assembly]);
        while (open.TryDequeue(out var next))
        {
            foreach (var used in ReferencesOf(next).Where(closure.Add))
            {
                if (File.Exists(PathOf(used))) open.Enqueue(used);
            }
        }
        return closure;
    }

    private static T Read<T>(string assembly, Func<MetadataReader, T> read)
    {
        using var file = new PEReader(File.OpenRead(PathOf(assembly)));
        return read(file.GetMetadataReader());
    }

    private static string PathOf(string assembly) => Path.Combine(AppContext.BaseDirectory, assembly + ".dll");

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../.."));

    [GeneratedRegex(@"Capillary\.Core\.(?<folder>\w+)|(?<![\w.])(?<folder>Identity|Bundles|Trust|Apply|Reports|Protocol)\.[A-Z]")]
    private static partial Regex CoreMention();

    [GeneratedRegex("`((?:src|test|docs|bench|workloads|examples)/[A-Za-z0-9_./-]+)`")]
    private static partial Regex NamedPath();

    [GeneratedRegex(@"\b(?:Core|Fleet|Node|HubNode|RegionNode|EdgeAgent|Jinja|Cli)/[A-Z]\w+")]
    private static partial Regex GridCell();
}
