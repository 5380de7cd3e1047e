namespace Capillary.Fleet.Documents;

/// <summary>Kubernetes' rules for label keys and values, so that a label here is a label there.</summary>
internal static class LabelSyntax
{
    private const int MaxName = 63;
    private const int MaxPrefix = 253;

    /// <summary>What is wrong with a key (<c>[prefix/]name</c>), or null.</summary>
    public static string? KeyProblem(string key)
    {
        var slash = key.IndexOf('/');
        if (slash >= 0 && !IsSubdomain(key.AsSpan(0, slash)))
            return $"the prefix of '{key}' is not a DNS name of at most {MaxPrefix} characters";
        var name = key.AsSpan(slash + 1);
        return name.Length == 0 || !IsName(name)
            ? $"'{key}' is not a label key: 1 to {MaxName} letters, digits, '-', '_' and '.', with a letter or digit at both ends" : null;
    }

    /// <summary>What is wrong with a value, or null. The empty value is allowed.</summary>
    public static string? ValueProblem(string value) => value.Length == 0 || IsName(value)
        ? null
        : $"'{value}' is not a label value: at most {MaxName} letters, digits, '-', '_' and '.', with a letter or digit at both ends";

    private static bool IsName(ReadOnlySpan<char> text)
    {
        if (text.Length > MaxName || !char.IsAsciiLetterOrDigit(text[0]) || !char.IsAsciiLetterOrDigit(text[^1])) return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')) return false;
        }
        return true;
    }

    private static bool IsSubdomain(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > MaxPrefix) return false;
        foreach (var range in text.Split('.'))
        {
            if (!Core.Identity.DnsLabel.IsValid(text[range].ToString())) return false;
        }
        return true;
    }
}
