using System.Text;

namespace Capillary.Tests.Fleet.Templates;

/// <summary>Three versions of one configuration file, as people and templates make them: a base, and two edits of it.</summary>
internal sealed record EditPair(byte[] Base, byte[] Ours, byte[] Theirs);

/// <summary>Makes edit pairs from a seed. Lines repeat (blank lines, braces, keys), as in real files: that is where merges go wrong.</summary>
internal sealed class EditPairs(int seed)
{
    private readonly Random random = new(seed);

    public EditPair Next()
    {
        var lines = Text(random.Next(0, random.Next(4) == 0 ? 200 : 40));
        var ours = Edited(lines, random.Next(0, 6));
        var theirs = random.Next(6) == 0 ? [.. ours] : new List<string>(lines);
        theirs = Edited(theirs, random.Next(0, 6));
        var end = random.Next(6) == 0 ? "\r\n" : "\n";
        return new(Bytes(lines, end), Bytes(ours, end), Bytes(theirs, random.Next(30) == 0 ? "\r\n" : end));
    }

    /// <summary>Both sides edit, each in lines of its own that stand at least two apart: what must come out is known.</summary>
    public (EditPair Pair, byte[] Expected) NextApart()
    {
        var count = random.Next(6, 60);
        // Every line is another one, so that an edit is where it was made and nowhere else.
        var lines = Enumerable.Range(0, count).Select(i => $"{Line()} # {i}").ToList();
        List<string> ours = [], theirs = [], both = [];
        for (var i = 0; i < count;)
        {
            var length = Math.Min(random.Next(1, 4), count - i);
            var block = lines.GetRange(i, length);
            var side = random.Next(3);
            var changed = side == 2 ? block : Edited(block, 1 + random.Next(2)).ConvertAll(line => line.Contains('#') ? line : $"{line} # {side} {i}");
            ours.AddRange(side == 0 ? changed : block);
            theirs.AddRange(side == 1 ? changed : block);
            both.AddRange(changed);
            i += length;
            var gap = lines.GetRange(i, Math.Min(2, count - i));
            foreach (var text in (List<string>[])[ours, theirs, both]) text.AddRange(gap);
            i += gap.Count;
        }
        return (new(Whole(lines, "\n"), Whole(ours, "\n"), Whole(theirs, "\n")), Whole(both, "\n"));
    }

    private List<string> Text(int count) => [.. Enumerable.Range(0, count).Select(_ => Line())];

    private string Line() => random.Next(10) switch
    {
        0 => "",
        1 => "}",
        2 => "  - name: " + Word(),
        3 => "    env: [" + Word() + "]",
        4 => "server {",
        5 => "# " + Word() + " " + Word(),
        6 => "---",
        _ => new string(' ', 2 * random.Next(3)) + Word() + ": " + random.Next(random.Next(2) == 0 ? 3 : 1000),
    };

    private string Word() => random.Next(12) switch
    {
        0 => "port", 1 => "host", 2 => "image", 3 => "retries", 4 => "lab-site", 5 => "listen", 6 => "über", 7 => "log_level",
        8 => "timeout", 9 => "basel", 10 => "zone", _ => "x" + random.Next(50),
    };

    private List<string> Edited(List<string> lines, int edits)
    {
        var edited = new List<string>(lines);
        for (; edits > 0; edits--) Edit(edited);
        return edited;
    }

    private void Edit(List<string> lines)
    {
        var at = random.Next(lines.Count + 1);
        var length = Math.Min(random.Next(1, random.Next(3) == 0 ? 9 : 3), lines.Count - at);
        switch (random.Next(6))
        {
            case 0:
                lines.InsertRange(at, Text(random.Next(1, 4)));
                break;
            case 1:
                lines.RemoveRange(at, length);
                break;
            case 2 or 3:
                for (var i = at; i < at + length; i++) lines[i] = random.Next(2) == 0 ? Line() : lines[i] + Word();
                break;
            case 4:
                var moved = lines.GetRange(at, length);
                lines.RemoveRange(at, length);
                lines.InsertRange(random.Next(lines.Count + 1), moved);
                break;
            default:
                lines.InsertRange(random.Next(2) == 0 ? at : random.Next(lines.Count + 1), lines.GetRange(at, length));
                break;
        }
    }

    /// <summary>At times without the last line's end.</summary>
    private byte[] Bytes(List<string> lines, string end)
    {
        var text = Whole(lines, end);
        return text.Length > 0 && random.Next(8) == 0 ? text[..^end.Length] : text;
    }

    private static byte[] Whole(List<string> lines, string end) =>
        Encoding.Latin1.GetBytes(string.Concat(lines.Select(line => line + end))); // 'ü' is then no UTF-8.
}
