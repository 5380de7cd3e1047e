using System.Text.Json;
using Capillary.Jinja;

namespace Capillary.Tests.Jinja.Differential;

/// <summary>One template, with those it includes, to be rendered by both.</summary>
/// <param name="Name">Where it comes from: line of the corpus, or seed.</param>
/// <param name="Templates">Sources by name; the first to be rendered is <c>main</c>.</param>
/// <param name="Options">As Jinja2 calls them.</param>
/// <param name="Deviation">The documented deviation that it shows; null when both must be the same.</param>
internal sealed record JinjaCase(
    string Name, IReadOnlyDictionary<string, string> Templates, IReadOnlyDictionary<string, JsonElement> Options, string? Deviation = null)
{
    public const string Main = "main";

    public string Source => Templates[Main];

    /// <summary>What Capillary.Jinja makes of it.</summary>
    public Outcome Render(JinjaValue context)
    {
        try
        {
            var environment = new JinjaEnvironment { Options = ToOptions(), Loader = name => Templates.GetValueOrDefault(name) };
            return new Outcome(environment.Find(Main)!.Render(context), null, "");
        }
        catch (JinjaException e)
        {
            return new Outcome(null, e.Kind == JinjaErrorKind.TemplateNotFound ? "notfound" : e.Kind.ToString().ToLowerInvariant(), e.Message);
        }
    }

    public string ToJson() => JsonSerializer.Serialize(new { templates = Templates, main = Main, options = Options });

    private JinjaOptions ToOptions()
    {
        var options = new JinjaOptions { MaxOutputChars = 1 << 20, MaxSteps = 1 << 20 };
        foreach (var (name, value) in Options) options = With(options, name, value);
        return options;
    }

    private static JinjaOptions With(JinjaOptions options, string name, JsonElement value) => name switch
    {
        "trim_blocks" => options with { TrimBlocks = value.GetBoolean() },
        "lstrip_blocks" => options with { LstripBlocks = value.GetBoolean() },
        "keep_trailing_newline" => options with { KeepTrailingNewline = value.GetBoolean() },
        "autoescape" => options with { Autoescape = value.GetBoolean() },
        "newline_sequence" => options with { NewlineSequence = value.GetString()! },
        "block_start_string" => options with { BlockStart = value.GetString()! },
        "block_end_string" => options with { BlockEnd = value.GetString()! },
        "variable_start_string" => options with { VariableStart = value.GetString()! },
        "variable_end_string" => options with { VariableEnd = value.GetString()! },
        "comment_start_string" => options with { CommentStart = value.GetString()! },
        "comment_end_string" => options with { CommentEnd = value.GetString()! },
        "line_statement_prefix" => options with { LineStatementPrefix = value.GetString() },
        "line_comment_prefix" => options with { LineCommentPrefix = value.GetString() },
        "undefined" => options with { Undefined = Enum.Parse<JinjaUndefined>(value.GetString()!, ignoreCase: true) },
        _ => throw new ArgumentException($"unknown option {name}"),
    };
}

/// <summary>The text, or the kind of error and its message.</summary>
internal sealed record Outcome(string? Text, string? Error, string Why)
{
    public bool IsSameAs(Outcome other) => Text == other.Text && Error == other.Error;

    public override string ToString() => Error is null ? JsonSerializer.Serialize(Text) : $"{Error}: {Why}";
}
