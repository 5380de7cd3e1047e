using System.Globalization;

namespace Capillary.Jinja.Builtins;

/// <summary>Methods of strings that answer yes or no.</summary>
internal static class StringTests
{
    internal static readonly Builtin[] All =
    [
        new(new("isdigit", []), static (_, self, _) => IsAll(Self(self), char.IsDigit)),
        new(new("isdecimal", []), static (_, self, _) => IsAll(Self(self), char.IsDigit)),
        new(new("isnumeric", []), static (_, self, _) => IsAll(Self(self), char.IsNumber)),
        new(new("isalpha", []), static (_, self, _) => IsAll(Self(self), char.IsLetter)),
        new(new("isalnum", []), static (_, self, _) => IsAll(Self(self), static c => char.IsLetter(c) || char.IsNumber(c))),
        new(new("isspace", []), static (_, self, _) => IsAll(Self(self), char.IsWhiteSpace)),
        new(new("isascii", []), static (_, self, _) => Self(self).All(char.IsAscii)),
        new(new("isupper", []), static (_, self, _) => IsCased(Self(self), char.IsUpper, char.IsLower)),
        new(new("islower", []), static (_, self, _) => IsCased(Self(self), char.IsLower, char.IsUpper)),
        new(new("istitle", []), static (_, self, _) => IsTitle(Self(self))),
        new(new("isidentifier", []), static (_, self, _) => IsIdentifier(Self(self))),
        new(new("isprintable", []), static (_, self, _) => Self(self).All(IsPrintable)),
    ];

    private static string Self(JinjaValue self) => (string)self.Ref!;

    private static bool IsAll(string text, Func<char, bool> holds) => text.Length > 0 && text.All(holds);

    private static bool IsCased(string text, Func<char, bool> wanted, Func<char, bool> other) => text.Any(wanted) && !text.Any(other);

    private static bool IsTitle(string text)
    {
        var (afterLetter, found) = (false, false);
        foreach (var c in text)
        {
            if (char.IsUpper(c) && afterLetter) return false;
            if (char.IsLower(c) && !afterLetter) return false;
            afterLetter = char.IsUpper(c) || char.IsLower(c);
            found |= afterLetter;
        }
        return found;
    }

    private static bool IsIdentifier(string text) =>
        text.Length > 0 && (text[0] == '_' || char.IsLetter(text[0])) && text.All(static c => c == '_' || char.IsLetterOrDigit(c));

    private static bool IsPrintable(char c) => c == ' ' || CharUnicodeInfo.GetUnicodeCategory(c) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
