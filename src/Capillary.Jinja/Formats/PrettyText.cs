using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Formats;

/// <summary>Python's <c>pprint.pformat</c>: one line if it fits 80 columns, else one item a line; maps in the order of keys.</summary>
internal sealed class PrettyText(RenderState r)
{
    private const int Width = 80;

    internal static JinjaValue Write(RenderState r, JinjaValue value)
    {
        var mark = r.Output.Length;
        new PrettyText(r).Write(value, 0, 0, 1);
        return r.Output.TakeFrom(mark);
    }

    private void Write(JinjaValue value, int indent, int allowance, int level)
    {
        r.EnsureStack();
        r.Charge();
        var whole = Repr(value);
        if (CodePoints.Count(whole) <= Width - indent - allowance)
        {
            r.Output.Append(whole);
            return;
        }
        switch (value.Ref)
        {
            case MapValue { Count: > 0 } map: WriteMap(map, indent, allowance + 1, level); break;
            case ListValue { Shape: ListShape.List } list: WriteItems(list, "[", "]", indent, allowance, level); break;
            case ListValue { IsTuple: true, Items.Length: 1 } tuple: WriteItems(tuple, "(", ",)", indent, allowance, level); break;
            case ListValue { IsTuple: true } tuple: WriteItems(tuple, "(", ")", indent, allowance, level); break;
            case string text when !value.IsMarkup: WriteText(text, indent, allowance, level); break;
            default: r.Output.Append(whole); break;
        }
    }

    private void WriteItems(ListValue list, string open, string close, int indent, int allowance, int level)
    {
        r.Output.Append(open);
        for (var i = 0; i < list.Items.Length; i++)
        {
            if (i > 0) NewLine(indent + 1);
            Write(list.Items[i], indent + 1, i == list.Items.Length - 1 ? allowance + close.Length : 1, level + 1);
        }
        r.Output.Append(close);
    }

    private void WriteMap(MapValue map, int indent, int allowance, int level)
    {
        var pairs = Sorted(map);
        r.Output.Append('{');
        for (var i = 0; i < pairs.Length; i++)
        {
            if (i > 0) NewLine(indent + 1);
            var pair = (ListValue)pairs[i].Ref!;
            var key = Repr(pair.Items[0]);
            r.Output.Append(key);
            r.Output.Append(": ");
            Write(pair.Items[1], indent + 1 + CodePoints.Count(key) + 2, i == pairs.Length - 1 ? allowance : 1, level + 1);
        }
        r.Output.Append('}');
    }

    private void WriteText(string text, int indent, int allowance, int level)
    {
        var isTop = level == 1;
        if (isTop) (indent, allowance) = (indent + 1, allowance + 1);
        var chunks = new List<string>();
        var lines = Strings.Lines(r, text, keepEnds: true);
        for (var i = 0; i < lines.Count; i++)
        {
            var isLast = i == lines.Count - 1;
            var whole = Repr(lines[i]);
            if (whole.Length <= Width - indent - (isLast ? allowance : 0)) chunks.Add(whole);
            else AddWords(chunks, lines[i], Width - indent, isLast ? allowance : 0);
        }
        if (isTop && chunks.Count > 1) r.Output.Append('(');
        for (var i = 0; i < chunks.Count; i++)
        {
            if (i > 0)
            {
                r.Output.Append('\n');
                r.Output.Append(' ', indent);
            }
            r.Output.Append(chunks[i]);
        }
        if (isTop && chunks.Count > 1) r.Output.Append(')');
    }

    private void AddWords(List<string> chunks, string line, int width, int allowance)
    {
        var current = "";
        for (var at = 0; at < line.Length;)
        {
            var from = at;
            while (at < line.Length && !CodePoints.IsBlank(line[at])) at++;
            while (at < line.Length && CodePoints.IsBlank(line[at])) at++;
            var candidate = current + line[from..at];
            r.ChargeText(candidate.Length);
            if (Repr(candidate).Length <= width - (at == line.Length ? allowance : 0))
            {
                current = candidate;
                continue;
            }
            if (current.Length > 0) chunks.Add(Repr(current));
            current = line[from..at];
        }
        if (current.Length > 0) chunks.Add(Repr(current));
    }

    private void NewLine(int indent)
    {
        r.Output.Append(",\n");
        r.Output.Append(' ', indent);
    }

    private JinjaValue[] Sorted(MapValue map)
    {
        var keys = map.Keys();
        var comparable = Array.TrueForAll(keys, key => key.Ref is string) || Array.TrueForAll(keys, key => key.IsNumber);
        return comparable ? StableSort.By(r, map.Pairs(), keys, reverse: false) : map.Pairs();
    }

    private string Repr(JinjaValue value) => ValueText.Repr(r, InOrder(value));

    private JinjaValue InOrder(JinjaValue value)
    {
        r.EnsureStack();
        r.Charge();
        if (value.Ref is ListValue { Shape: ListShape.List or ListShape.Tuple } list)
            return new JinjaValue(new ListValue(Array.ConvertAll(list.Items, InOrder), list.Shape));
        if (value.Ref is not MapValue map) return value;
        var sorted = new MapValue();
        foreach (var pair in Sorted(map))
        {
            var items = ((ListValue)pair.Ref!).Items;
            sorted.Set(items[0], InOrder(items[1]));
        }
        return new JinjaValue(sorted);
    }
}
