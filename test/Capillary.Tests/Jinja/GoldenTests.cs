using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Capillary.Jinja;
using Capillary.Tests.Jinja.Differential;
using Xunit;

namespace Capillary.Tests.Jinja;

/// <summary>What we render is what Jinja2 renders: the expected texts were written by generate-jinja2-golden.py.</summary>
public sealed class GoldenTests
{
    [Fact]
    public void Renders_as_Jinja2_does()
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(PathOf("jinja2-golden.json")));
        var context = Corpus.Convert(golden.RootElement.GetProperty("context"));
        var wrong = new StringBuilder();
        var count = 0;
        foreach (var test in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            var template = test.GetProperty("template").GetString()!;
            var expected = test.TryGetProperty("expected", out var text) ? text.GetString()! : "an error";
            var actual = Render(template, Options(test), context);
            if (actual != expected) wrong.AppendLine($"{test}\n  expected {expected}\n  actual   {actual}");
            count++;
        }
        Assert.True(count > 500, $"only {count} cases");
        Assert.True(wrong.Length == 0, wrong.ToString());
    }

    private static string Render(string template, JinjaOptions options, JinjaValue context)
    {
        try
        {
            return JinjaTemplate.Parse(template, "golden", options).Render(context);
        }
        catch (JinjaException)
        {
            return "an error";
        }
    }

    private static JinjaOptions Options(JsonElement test)
    {
        if (!test.TryGetProperty("options", out var options)) return JinjaOptions.Default;
        return new JinjaOptions
        {
            TrimBlocks = options.TryGetProperty("trim_blocks", out _),
            LstripBlocks = options.TryGetProperty("lstrip_blocks", out _),
            KeepTrailingNewline = options.TryGetProperty("keep_trailing_newline", out _),
        };
    }

    private static string PathOf(string file, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, file);
}
