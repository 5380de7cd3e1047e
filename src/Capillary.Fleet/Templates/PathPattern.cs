using System.Text;
using System.Text.RegularExpressions;

namespace Capillary.Fleet.Templates;

/// <summary>A glob over paths below the template folder: <c>**</c> is any number of folders (at the end: everything below), <c>*</c> and
/// <c>?</c> stay within a name, <c>[ab]</c> is one of these.</summary>
internal sealed class PathPattern
{
    private const string Metacharacters = @"\^$.|+(){}#";
    private readonly Regex regex;

    private PathPattern(string text, Regex regex) => (Text, this.regex) = (text, regex);

    public string Text { get; }

    /// <summary>Null, and why, when it is no glob.</summary>
    public static PathPattern? Parse(string text, out string? problem)
    {
        problem = TemplatePath.Problem(text);
        if (problem is not null) return null;
        try
        {
            return new(text, new Regex(Expression(text), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
        }
        catch (RegexParseException)
        {
            problem = "has brackets that do not close";
            return null;
        }
    }

    public bool Matches(string path) => regex.IsMatch(path);

    private static string Expression(string text)
    {
        var expression = new StringBuilder(@"\A");
        var segments = text.Split('/');
        for (var i = 0; i < segments.Length; i++)
        {
            var isLast = i == segments.Length - 1;
            if (segments[i] == "**") expression.Append(isLast ? "[^/]+(?:/[^/]+)*" : "(?:[^/]+/)*");
            else expression.Append(Name(segments[i])).Append(isLast ? "" : "/");
        }
        return expression.Append(@"\z").ToString();
    }

    private static string Name(string segment)
    {
        var expression = new StringBuilder();
        foreach (var c in segment)
        {
            expression.Append(c switch
            {
                '*' => "[^/]*",
                '?' => "[^/]",
                _ when Metacharacters.Contains(c) => $@"\{c}",
                _ => c.ToString(),
            });
        }
        return expression.ToString().Replace("[!", "[^", StringComparison.Ordinal);
    }
}
