using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Text that means nothing, for pages that have none yet. The same seed gives the same text.</summary>
internal static class Lipsum
{
    private const int MostParagraphs = 100;

    private static readonly string[] Words =
        "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua".Split(' ');

    internal static JinjaValue Make(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var count = Arg.Integer(r, args[0], "n", 5);
        var html = args[1].IsAbsent || Sequences.IsTrue(r, args[1]);
        var (least, most) = (Arg.Integer(r, args[2], "min", 20), Arg.Integer(r, args[3], "max", 100));
        if (count > MostParagraphs || most > 1000) throw r.Limit($"more than {MostParagraphs} paragraphs, or 1000 words in one");
        if (least < 0 || most <= least) throw r.Fail("max must be more than min");
        var paragraphs = new string[Math.Max(0, count)];
        for (var i = 0; i < paragraphs.Length; i++) paragraphs[i] = Paragraph(r, least + r.Random(most - least));
        if (!html) return string.Join("\n\n", paragraphs);
        return JinjaValue.Markup(string.Join("\n", paragraphs.Select(text => $"<p>{text}</p>")));
    }

    private static string Paragraph(RenderState r, long words)
    {
        r.Charge(words);
        var picked = new string[words];
        for (var i = 0; i < picked.Length; i++) picked[i] = Words[r.Random(Words.Length)];
        return Strings.Capitalize(string.Join(' ', picked)) + ".";
    }
}
