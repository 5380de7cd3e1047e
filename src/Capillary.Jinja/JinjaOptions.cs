namespace Capillary.Jinja;

/// <summary>How a template is read, and how much one render may use. The defaults are Jinja2's own, with limits added.</summary>
public sealed record JinjaOptions
{
    /// <summary>The defaults: nothing trimmed, one trailing newline dropped, limits that no honest template meets.</summary>
    public static JinjaOptions Default { get; } = new();

    /// <summary>Drop the first newline after a block or comment tag. Default: false.</summary>
    public bool TrimBlocks { get; init; }

    /// <summary>Drop blanks between the start of a line and a block or comment tag. Default: false.</summary>
    public bool LstripBlocks { get; init; }

    /// <summary>Keep the one newline at the end of the source. Default: false, it is dropped.</summary>
    public bool KeepTrailingNewline { get; init; }

    /// <summary>Longest output, and longest string made on the way, in UTF-16 units. Default: 16 Mi. More is an error.</summary>
    public int MaxOutputChars { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Work of one render: about one step per statement, loop round, call and list item handled, and one per 16 characters made.
    /// Default: 10 million. More is an error.
    /// </summary>
    public long MaxSteps { get; init; } = 10_000_000;

    /// <summary>How deep source may nest, and macros may call each other. Range 1 to 200. Default: 100. More is an error.</summary>
    public int MaxDepth { get; init; } = 100;
}
