using System.Runtime.CompilerServices;
using Capillary.Jinja;
using Xunit;

namespace Capillary.Tests.Jinja;

/// <summary>What the library's README shows is true. The code here is the code there.</summary>
public sealed class ReadmeTests
{
    private static string Readme => File.ReadAllText(PathOf("../../../src/Capillary.Jinja/README.md"));

    [Fact]
    public void The_first_example()
    {
        var template = JinjaTemplate.Parse("listen {{ vars.port | default(8080) }}\n", "nginx.conf.j2");
        var vars = JinjaValue.FromMap(new Dictionary<string, JinjaValue> { ["host"] = "lab-1" });
        var context = JinjaValue.FromMap(new Dictionary<string, JinjaValue> { ["vars"] = vars });
        string text = template.Render(context);   // "listen 8080"; any number of threads at once
        Assert.Equal("listen 8080", text);
        Assert.Equal(["vars.port"], template.ReadPaths);
    }

    [Fact]
    public void The_environment()
    {
        var context = JinjaValue.FromMap(new Dictionary<string, JinjaValue> { ["name"] = "basel" });
        var files = new Dictionary<string, string>
        {
            ["base.j2"] = "<{% block body %}{% endblock %}>",
            ["page.j2"] = "{% extends 'base.j2' %}{% block body %}{{ name | shout }}{% endblock %}",
        };
        var environment = new JinjaEnvironment
        {
            Loader = files.GetValueOrDefault,
            Options = new JinjaOptions { TrimBlocks = true, LstripBlocks = true },
            Filters = new Dictionary<string, JinjaFunction> { ["shout"] = call => call.Text(call.Value).ToUpperInvariant() + "!" },
            Tests = new Dictionary<string, JinjaTest> { ["port"] = call => call.Value.AsInteger is > 0 and < 65536 },
            Globals = new Dictionary<string, JinjaValue>
            {
                ["version"] = "1.5",
                ["add"] = JinjaValue.FromFunction("add", call => call.Arguments.Sum(item => item.AsInteger ?? 0)),
            },
        };
        Assert.Equal("<BASEL!>", environment.Find("page.j2")!.Render(context));
        Assert.Equal("True 1.5 3", environment.Parse("{{ 80 is port }} {{ version }} {{ add(1, 2) }}", "text").Render(context));
    }

    [Fact]
    public void The_table_of_addresses()
    {
        var rows = Readme.Split('\n').Where(line => line.StartsWith("| `{{", StringComparison.Ordinal)).ToList();
        Assert.Equal(10, rows.Count);
        foreach (var row in rows)
        {
            var cells = row.Replace("\\|", "\0").Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            var source = cells[0].Trim('`').Replace('\0', '|');
            Assert.Equal(cells[1].Trim('`'), JinjaTemplate.Parse(source, "row").Render(JinjaValue.FromMap(new Dictionary<string, JinjaValue>())));
        }
    }

    [Fact]
    public void The_code_of_the_examples_is_the_code_of_these_tests()
    {
        var here = File.ReadAllText(PathOf("ReadmeTests.cs"));
        var blocks = Readme.Split("```csharp\n").Skip(1).SelectMany(block => block[..block.IndexOf("```", StringComparison.Ordinal)].Split('\n'));
        foreach (var line in blocks.Where(line => line.Length > 0 && !line.StartsWith("environment.", StringComparison.Ordinal)))
            Assert.Contains(line.Trim(), here, StringComparison.Ordinal);
    }

    private static string PathOf(string file, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, file);
}
