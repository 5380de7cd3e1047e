using System.Globalization;
using System.Text;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Methods of strings that answer yes or no.</summary>
internal static class StringTests
{
    internal static readonly Builtin[] All =
    [
        Of("isdigit", static text => IsAll(text, IsDigit)),
        Of("isdecimal", static text => IsAll(text, Rune.IsDigit)),
        Of("isnumeric", static text => IsAll(text, IsNumeric)),
        Of("isalpha", static text => IsAll(text, Rune.IsLetter)),
        Of("isalnum", static text => IsAll(text, static c => Rune.IsLetter(c) || IsNumeric(c))),
        Of("isspace", static text => text.Length > 0 && CodePoints.IsBlank(text)),
        Of("isascii", static text => text.All(char.IsAscii)),
        Of("isupper", static text => IsCased(text, Rune.IsUpper, Rune.IsLower)),
        Of("islower", static text => IsCased(text, Rune.IsLower, Rune.IsUpper)),
        Of("istitle", IsTitle),
        Of("isidentifier", IsIdentifier),
        Of("isprintable", static text => text.EnumerateRunes().All(IsPrintable)),
    ];

    private static Builtin Of(string name, Func<string, bool> holds) => new(new(name, []), (_, self, _) => holds((string)self.Ref!));

    private static bool IsAll(string text, Func<Rune, bool> holds) => text.Length > 0 && text.EnumerateRunes().All(holds);

    private static bool IsPrintable(Rune c) => c.Value == ' ' || ValueText.IsPrintable(Rune.GetUnicodeCategory(c));

    // Superscripts too.
    private static bool IsDigit(Rune c) => CharUnicodeInfo.GetDigitValue(c.ToString(), 0) >= 0;

    private static bool IsNumeric(Rune c) => Rune.IsNumber(c) || Rune.GetNumericValue(c) != -1;

    private static bool IsCased(string text, Func<Rune, bool> wanted, Func<Rune, bool> other) =>
        text.EnumerateRunes().Any(wanted) && !text.EnumerateRunes().Any(c => other(c) || IsTitleLetter(c));

    // One character that is two letters, the first of them a capital.
    private static bool IsTitleLetter(Rune c) => Rune.GetUnicodeCategory(c) == UnicodeCategory.TitlecaseLetter;

    private static bool IsTitle(string text)
    {
        var (afterLetter, found) = (false, false);
        foreach (var c in text.EnumerateRunes())
        {
            var begins = Rune.IsUpper(c) || IsTitleLetter(c);
            if (begins && afterLetter) return false;
            if (Rune.IsLower(c) && !afterLetter) return false;
            afterLetter = begins || Rune.IsLower(c);
            found |= afterLetter;
        }
        return found;
    }

    private static bool IsIdentifier(string text) => text.Length > 0 && BeginsIdentifier(text.EnumerateRunes().First())
        && text.EnumerateRunes().All(static c => BeginsIdentifier(c) || Rune.GetUnicodeCategory(c) is UnicodeCategory.DecimalDigitNumber
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.ConnectorPunctuation);

    private static bool BeginsIdentifier(Rune c) =>
        c.Value == '_' || Rune.IsLetter(c) || Rune.GetUnicodeCategory(c) == UnicodeCategory.LetterNumber;
}
