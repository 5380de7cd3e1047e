using System.Text.RegularExpressions;

namespace Capillary.Fleet.Variables;

/// <summary>
/// A regular expression that a whole text must match. It never backtracks: time is linear in the text whatever is written, so look-around
/// and back references are refused.
/// </summary>
public sealed class TextPattern : IEquatable<TextPattern>
{
    /// <summary>The longest pattern, in characters.</summary>
    public const int MaxLength = 1000;

    private readonly Regex regex;

    private TextPattern(string text, Regex regex) => (Text, this.regex) = (text, regex);

    /// <summary>As written.</summary>
    public string Text { get; }

    /// <summary>Null, and why, when it cannot be used.</summary>
    public static TextPattern? Parse(string text, out string? problem)
    {
        problem = text.Length > MaxLength ? $"a pattern has at most {MaxLength} characters" : null;
        if (problem is not null) return null;
        const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;
        try
        {
            // Alone first: brackets that do not match would match those around it.
            _ = new Regex(text, Options);
            return new TextPattern(text, new Regex($@"\A(?:{text})\z", Options));
        }
        catch (RegexParseException e)
        {
            problem = e.Message;
        }
        catch (NotSupportedException)
        {
            problem = "it needs backtracking (look-around, a back reference), or is too large";
        }
        return null;
    }

    /// <summary>True when the whole text matches.</summary>
    public bool Matches(string text) => regex.IsMatch(text);

    /// <inheritdoc/>
    public bool Equals(TextPattern? other) => other?.Text == Text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TextPattern);

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
