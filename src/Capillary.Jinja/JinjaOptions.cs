namespace Capillary.Jinja;

/// <summary>What reading a name that is not there gives.</summary>
public enum JinjaUndefined
{
    /// <summary>Any use but <c>is defined</c> and <c>default</c> is an error.</summary>
    Strict,

    /// <summary>Prints as nothing, is false, has no items; anything further is an error.</summary>
    Default,

    /// <summary>As <see cref="Default"/>, and its members are undefined again instead of an error.</summary>
    Chainable,

    /// <summary>As <see cref="Default"/>, and prints what is missing.</summary>
    Debug,
}

/// <summary>How templates are read, and how much one render may use. The defaults are Jinja2's own, with limits added.</summary>
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

    /// <summary>What a line end of the source becomes: <c>\n</c>, <c>\r\n</c> or <c>\r</c>. Default: <c>\n</c>.</summary>
    public string NewlineSequence { get; init; } = "\n";

    /// <summary>Escape what is printed for HTML, unless it is marked as safe. Default: false.</summary>
    public bool Autoescape { get; init; }

    /// <summary>What a missing name gives. Default: <see cref="JinjaUndefined.Strict"/>, unlike Jinja2.</summary>
    public JinjaUndefined Undefined { get; init; }

    /// <summary>Opens a block tag. Default: <c>{%</c>. All delimiters are different, and none is empty.</summary>
    public string BlockStart { get; init; } = "{%";

    /// <summary>Closes a block tag. Default: <c>%}</c>.</summary>
    public string BlockEnd { get; init; } = "%}";

    /// <summary>Opens a print tag. Default: <c>{{</c>.</summary>
    public string VariableStart { get; init; } = "{{";

    /// <summary>Closes a print tag. Default: <c>}}</c>.</summary>
    public string VariableEnd { get; init; } = "}}";

    /// <summary>Opens a comment. Default: <c>{#</c>.</summary>
    public string CommentStart { get; init; } = "{#";

    /// <summary>Closes a comment. Default: <c>#}</c>.</summary>
    public string CommentEnd { get; init; } = "#}";

    /// <summary>What a line begins with that is a block tag as a whole. Default: null, there are none.</summary>
    public string? LineStatementPrefix { get; init; }

    /// <summary>What begins a comment that ends with the line. Default: null, there are none.</summary>
    public string? LineCommentPrefix { get; init; }

    /// <summary>What <c>random</c> and <c>lipsum</c> begin with: the same seed, the same text. Default: 0.</summary>
    public long RandomSeed { get; init; }

    /// <summary>Longest output, and longest string made on the way, in UTF-16 units. Default: 16 Mi. More is an error.</summary>
    public int MaxOutputChars { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Work of one render: about one step per statement, loop round, call and list item handled, and one per 16 characters made.
    /// So it bounds time, to some seconds, and memory: a step keeps 100 bytes at most, usually far less. Default: 10 million. More is
    /// an error.
    /// </summary>
    public long MaxSteps { get; init; } = 10_000_000;

    /// <summary>
    /// How deep source may nest, macros and recursive loops call each other, and templates include each other. Range 1 to 200.
    /// Default: 100. More is an error.
    /// </summary>
    public int MaxDepth { get; init; } = 100;

    /// <summary>How often one render may include, import or extend. Default: 10,000. More is an error.</summary>
    public int MaxIncludes { get; init; } = 10_000;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDepth, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxDepth, 200);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxOutputChars);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxSteps);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxIncludes);
        if (NewlineSequence is not ("\n" or "\r\n" or "\r"))
            throw new ArgumentException("a newline is \\n, \\r\\n or \\r", nameof(NewlineSequence));
        if (BlockStart == VariableStart || BlockStart == CommentStart || VariableStart == CommentStart)
            throw new ArgumentException("two kinds of tags begin alike", nameof(BlockStart));
        foreach (var delimiter in (string[])[BlockStart, VariableStart, CommentStart, BlockEnd, VariableEnd, CommentEnd])
            ArgumentException.ThrowIfNullOrEmpty(delimiter);
        if (LineStatementPrefix is not null) ArgumentException.ThrowIfNullOrEmpty(LineStatementPrefix);
        if (LineCommentPrefix is not null) ArgumentException.ThrowIfNullOrEmpty(LineCommentPrefix);
    }
}
