using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;
using Xunit;
using static Capillary.Tests.Fleet.Templates.TemplateFixture;

namespace Capillary.Tests.Fleet.Templates;

/// <summary>Manifests, values and rendering, and what is said when they are wrong.</summary>
public sealed class TemplateSourceTests
{
    private const string Fengine = """
        rendering:
          excluded_files: ["vendor/**/*", "*.raw"]
        variables:
          name: {type: string, description: a name}
          port: {type: integer, description: a port, default: 80}
          tls: {type: boolean, description: tls, default: false}
          hosts: {type: list, element_type: string, description: hosts, default: [a]}
          owner:
            type: object
            description: who
            children:
              mail: {type: string, description: mail, default: x@example.org}
              floor: {type: integer, description: floor, default: 1}
        """;

    [Fact]
    public void A_repository_of_foxops_is_rendered_as_foxops_does()
    {
        var source = Source(("fengine.yaml", Fengine), ("README.md", "not a template"),
            ("template/{{ name }}/conf", "{% if tls %}\ntls\n{% endif %}\nport={{ port + 1 }} {{ hosts | join(',') }} {{ owner }}\n{{ fengine.template.repository_version }}\n"),
            ("template/vendor/a/b", "{{ not rendered }}"), ("template/x.raw", "{{ nor this }}"));
        var made = Made(source, "name: lab\nport: '8080'\ntls: 'yes'\nowner: {floor: '3'}\n");
        Assert.Equal("\ntls\n\nport=8081 a {'mail': 'x@example.org', 'floor': 3}\n1.0\n", made["lab/conf"]);
        Assert.Equal("{{ not rendered }}", made["vendor/a/b"]);
        Assert.Equal("{{ nor this }}", made["x.raw"]);
        Assert.Equal(3, made.Count);
    }

    [Fact]
    public void Types_patterns_ranges_conditions_and_secrets()
    {
        var source = Source(("template.yaml", Manifest("""
            variables:
              site: {type: string, pattern: "[a-z-]+", required: true}
              port: {type: integer, minimum: 1, maximum: 65535, default: 80}
              mode: {type: enum, values: [slow, fast], default: slow}
              token: {type: secret}
            files:
              - {path: "fast/**", when: mode == 'fast'}
            exclude: ["raw/*"]
            """)), ("template/{{ site }}.conf", "port {{ port }}\n"), ("template/fast/x", "x\n"), ("template/raw/{{ site }}", "{{ raw }}"),
            ("template/lib.conf", "{% include 'part/inner' %}|{{ token.secret if token is defined else '' }}\n"), ("template/part/inner", "of {{ site }}"));
        Assert.Equal(["basel.conf", "lib.conf", "part/inner", "raw/basel"], Made(source, "site: basel").Keys.Order(StringComparer.Ordinal));
        var made = Made(source, "{site: basel, mode: fast, token: {secret: api-token}}");
        Assert.Equal(("x\n", "{{ raw }}", "of basel|api-token\n"), (made["fast/x"], made["raw/basel"], made["lib.conf"]));
    }

    [Theory]
    [InlineData("{site: Basel}", "values.yaml:1:8: error CAP0402: 'site' does not match [a-z]+")]
    [InlineData("{site: a, port: 70000}", "values.yaml:1:17: error CAP0402: 'port' is from 1 to 65535")]
    [InlineData("{site: a, port: high}", "values.yaml:1:17: error CAP0402: 'port' is an integer")]
    [InlineData("{site: a, prot: 1}", "values.yaml:1:11: error CAP0603: the template declares no variable 'prot'\n  help: did you mean 'port'?")]
    [InlineData("{}", "template.yaml:6:5: error CAP0403: the variable 'site' has no value")]
    public void Wrong_values_are_told_where_they_stand(string yaml, string expected)
    {
        var source = Source(("template.yaml", Manifest("""
            variables:
              site: {type: string, pattern: "[a-z]+", required: true}
              port: {type: integer, minimum: 1, maximum: 65535, default: 80}
            """)));
        Assert.Contains(expected, string.Join('\n', New(source, yaml).Problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ x }}", "", "its name renders to '', which is empty")]
    [InlineData("a/{{ x }}/b", "", "which has an empty part")]
    [InlineData("{{ x }}", "../y", "has the part '..', and would leave its folder")]
    [InlineData("{{ x }}", "/etc/passwd", "is absolute")]
    [InlineData("{{ x }}", ".git/config", "which is Git's own")]
    [InlineData("{{ x }}", "other", "its name renders to 'other', as that of template/other")]
    [InlineData("{{ x }}", ".capillary-template.yaml", "where the instance's state stands")]
    [InlineData("{{ x }}", ".capillary-unfinished/plan.json", "where the instance's state stands")]
    [InlineData("{{ x }}", "other/below", "'other' is a file of the template too")]
    public void Names_that_cannot_be_are_errors(string name, string value, string expected)
    {
        var source = Source(("template.yaml", Manifest("variables: {x: {type: string}}")), ("template/" + name, "1\n"), ("template/other", "2\n"));
        var problem = Assert.Single(New(source, $"x: '{value}'").Problems);
        Assert.Contains(expected, problem.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../up", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("a/../../up", false)]
    [InlineData("a/b", true)]
    public void Links_stay_in_the_tree(string target, bool isGood)
    {
        var read = TemplateSource.Read(new Dictionary<string, MergeFile>
        {
            ["fengine.yaml"] = File("variables: {x: {type: string, description: x}}"),
            ["template/{{ x }}"] = Link("{{ x }}"),
        });
        var made = NewInstance.Of(read.Source!, State("x: link"), CancellationToken.None);
        Assert.Equal((TreeEntryKind.SymbolicLink, "link"), (made.Files["link"].Kind, Text(made.Files["link"])));
        read = TemplateSource.Read(new Dictionary<string, MergeFile> { ["fengine.yaml"] = File(""), ["template/l"] = Link(target) });
        Assert.Equal(isGood, NewInstance.Of(read.Source!, State(""), CancellationToken.None).Problems.Count == 0);
    }

    [Theory]
    [InlineData("{% include 'b' %}", "{% include 'a' %}", "template/")]
    [InlineData("{% extends 'b' %}", "{% extends 'a' %}", "template/")]
    [InlineData("{% include '../template.yaml' %}", "", "template/a:1:")]
    [InlineData("{{ nothing }}", "", "template/a:1:")]
    [InlineData("{% for i in range(999999999) %}{% endfor %}", "", "template/a:1:")]
    public void Templates_that_fail_name_file_line_and_column(string a, string b, string expected)
    {
        var read = Read(("template.yaml", Manifest("variables: {}")), ("template/a", a), ("template/b", b));
        var problems = read.Source is { } source ? New(source).Problems : read.Problems;
        Assert.NotEmpty(problems);
        Assert.All(problems, problem => Assert.True(problem.Line > 0, problem.ToString()));
        Assert.StartsWith(expected, problems[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Includes_in_a_circle_name_each_place_once()
    {
        var read = Read(("template.yaml", Manifest("variables: {}")), ("template/a", "{% include 'b' %}"), ("template/b", "x\n{% include 'a' %}"));
        foreach (var problem in New(read.Source!).Problems.Select(item => item.ToString()))
        {
            Assert.Contains("and so on in a circle)", problem, StringComparison.Ordinal);
            var way = problem[problem.IndexOf('(', StringComparison.Ordinal)..];
            Assert.Equal((2, 3), (way.Split(":1:4").Length, way.Split(", ").Length));
        }
    }

    [Fact]
    public void Bytes_that_are_no_text_are_copied_and_modes_kept()
    {
        var latin = new MergeFile(TreeEntryKind.ExecutableFile, Encoding.Latin1.GetBytes("{{ ü }}"));
        var binary = new MergeFile(TreeEntryKind.File, "{{ x }}\0"u8.ToArray());
        var read = TemplateSource.Read(new Dictionary<string, MergeFile>
        {
            ["template.yaml"] = File(Manifest("variables: {}")), ["template/l"] = latin, ["template/b"] = binary,
            ["template/crlf"] = File("a\r\n{% if true %}\r\nb\r\n{% endif %}\r\n"), ["template/empty"] = File(""),
            ["template/bom"] = File("\uFEFFa\n"),
        });
        var made = New(read.Source!).Files;
        Assert.True(made["l"].IsSame(latin) && made["b"].IsSame(binary));
        Assert.Equal(("a\r\nb\r\n", "", "\uFEFFa\n"), (Text(made["crlf"]), Text(made["empty"]), Text(made["bom"])));
    }

    [Theory]
    [InlineData("CAP0601", "README.md", "x")]
    [InlineData("CAP0208", "template.yaml", "apiVersion: capillary.dev/v1\nkind: App\nmetadata: {name: a}\n")]
    [InlineData("CAP0009", "template.yaml", "apiVersion: capillary.dev/v1\nkind: Template\nmetadata: {name: a}\nspec: {files: [{path: '../x', when: 'a'}]}\n")]
    [InlineData("CAP0203", "template.yaml", "apiVersion: capillary.dev/v1\nkind: Template\nmetadata: {name: a}\nspec: {variabels: {}}\n")]
    [InlineData("CAP0101", "fengine.yaml", "variables: [")]
    [InlineData("CAP0208", "fengine.yaml", "variables: {x: {type: float}}")]
    [InlineData("CAP0206", "fengine.yaml", "variables: {fengine: {type: string}}")]
    [InlineData("CAP0402", "fengine.yaml", "variables: {x: {type: int, default: many}}")]
    public void Manifests_that_are_wrong_are_told(string code, string path, string text)
    {
        var read = Read((path, text));
        Assert.Null(read.Source);
        Assert.Contains(read.Problems, problem => problem.Code == code);
    }

    [Fact]
    public void The_manifest_that_the_page_shows_is_one()
    {
        var page = System.IO.File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../../../docs/templates.md")).Replace("\r", "", StringComparison.Ordinal);
        var start = page.IndexOf("```yaml\n", StringComparison.Ordinal) + 8;
        var source = Source(("template.yaml", page[start..page.IndexOf("```", start, StringComparison.Ordinal)]), ("template/{{ site }}", "{{ port }} {{ mode }}"));
        Assert.Equal("2575 quiet", Made(source, "site: basel")["basel"]);
    }

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string here = "") => here;

    [Fact]
    public void Many_files_are_no_trouble()
    {
        var files = Enumerable.Range(0, 2500).Select(i => ($"template/d{i % 50}/{{{{ site }}}}-{i}", $"n {i} {{{{ site }}}}\n"))
            .Append(("template.yaml", Manifest("variables: {site: {type: string}}"))).ToArray();
        var made = Made(Source(files), "site: basel");
        Assert.Equal((2500, "n 77 basel\n"), (made.Count, made["d27/basel-77"]));
    }

    [Theory]
    [InlineData("**/*", "a", true)]
    [InlineData("**/*", "a/b/c", true)]
    [InlineData("vendor/**/*", "vendor/a", true)]
    [InlineData("vendor/**/*", "vendors/a", false)]
    [InlineData("*.png", "a.png", true)]
    [InlineData("*.png", "d/a.png", false)]
    [InlineData("**/*.png", "d/a.png", true)]
    [InlineData("a/**", "a/b/c", true)]
    [InlineData("a/**", "a", false)]
    [InlineData("[ab]?", "b1", true)]
    [InlineData("[!ab]?", "b1", false)]
    public void Globs(string pattern, string path, bool expected) => Assert.Equal(expected, PathPattern.Parse(pattern, out _)!.Matches(path));
}
