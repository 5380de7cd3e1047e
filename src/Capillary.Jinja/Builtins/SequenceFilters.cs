using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Filters over lists, maps and strings, except those that order or select.</summary>
internal static class SequenceFilters
{
    internal static readonly Builtin[] All =
    [
        new(new("default", ["default_value", "boolean"]), Default),
        new(new("length", []), static (r, self, _) => (long)Sequences.Length(r, self)),
        new(new("first", []), static (r, self, _) => Edge(r, self, first: true)),
        new(new("last", []), static (r, self, _) => Edge(r, self, first: false)),
        new(new("list", []), static (r, self, _) => ListOf(r, Sequences.Items(r, self))),
        new(new("reverse", []), Reverse),
        new(new("join", ["d", "attribute"]), Join),
        new(new("items", []), Items),
        new(new("batch", ["linecount", "fill_with"], required: 1), Batch),
        new(new("slice", ["slices", "fill_with"], required: 1), Slice),
        new(new("random", []), Random),
        new(new("attr", ["name"], required: 1), static (r, self, args) => Attribute(r, self, Arg.Text(r, args[0], "the name"))),
    ];

    private static JinjaValue Default(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (self.IsUndefined || (Arg.Flag(r, args[1]) && !Sequences.IsTrue(r, self))) return args[0].Or("");
        return self;
    }

    private static JinjaValue ListOf(RenderState r, JinjaValue[] items)
    {
        r.Charge(items.Length);
        return ListValue.Of(items);
    }

    private static JinjaValue Edge(RenderState r, JinjaValue self, bool first)
    {
        var items = Sequences.Items(r, self);
        if (items.Length > 0) return first ? items[0] : items[^1];
        return UndefinedValue.Because(r, r.At, $"No {(first ? "first" : "last")} item, sequence was empty.");
    }

    private static JinjaValue Reverse(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var items = Sequences.Items(r, self);
        r.Charge(items.Length);
        var reversed = new JinjaValue[items.Length];
        for (var i = 0; i < items.Length; i++) reversed[^(i + 1)] = items[i];
        return self.Ref is string ? RenderState.AsSafeAs(self, CodePoints.Join(reversed)) : ListValue.Of(reversed);
    }

    private static JinjaValue Join(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var attribute = args[1].IsAbsent || args[1].IsNone ? null : ItemPath.Of(r, args[1]);
        var items = Sequences.Items(r, self);
        if (attribute is not null) items = Array.ConvertAll(items, item => attribute.Read(r, item));
        if (r.Autoescape) return JoinSafe(r, args[0].Or(""), items);
        var separator = args[0].IsAbsent ? "" : r.Text(args[0]);
        var mark = r.Output.Length;
        for (var i = 0; i < items.Length; i++)
        {
            r.Charge();
            if (i > 0) r.Output.Append(separator);
            ValueText.Write(r, items[i]);
        }
        return r.Output.TakeFrom(mark);
    }

    // As Jinja2: if one part is safe the others are escaped, so that the whole is.
    private static JinjaValue JoinSafe(RenderState r, JinjaValue separator, JinjaValue[] items)
    {
        r.Charge(items.Length);
        var isSafe = separator.IsMarkup || Array.Exists(items, item => item.IsMarkup);
        var mark = r.Output.Length;
        for (var i = 0; i < items.Length; i++)
        {
            if (i > 0) r.Output.Append((string)(isSafe ? Markup.Escape(r, separator) : r.Text(separator)).Ref!);
            if (isSafe) Markup.Write(r, items[i]);
            else ValueText.Write(r, items[i]);
        }
        var text = r.Output.TakeFrom(mark);
        return isSafe ? JinjaValue.Markup(text) : text;
    }

    private static JinjaValue Attribute(RenderState r, JinjaValue self, string name)
    {
        if (self.IsUndefined) return Members.Attribute(r, self, name, null, r.At);
        var found = Members.OwnAttribute(r, self, name, r.At);
        return found.IsAbsent ? UndefinedValue.Missing(r, r.At, null, name, self, null) : found;
    }

    private static JinjaValue Random(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (self.Ref is MapValue { Count: > 0 }) throw r.Fail("a map has no random item");
        var items = Sequences.Items(r, self);
        return items.Length == 0 ? UndefinedValue.Because(r, r.At, "No random item, sequence was empty.") : items[r.Random(items.Length)];
    }

    private static JinjaValue Slice(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var count = Arg.Integer(r, args[0], "the number of slices", 1);
        if (count == 0) throw r.Fail("integer division or modulo by zero");
        if (count > 1_000_000) throw r.Limit("more than 1000000 slices");
        var items = Sequences.Items(r, self);
        if (count < 0) return ListValue.Of([]);
        var slices = new JinjaValue[count];
        var (each, extra) = (items.Length / (int)count, items.Length % (int)count);
        var from = 0;
        for (var i = 0; i < slices.Length; i++)
        {
            var length = each + (i < extra ? 1 : 0);
            r.Charge(length + 1);
            var slice = items[from..(from + length)];
            from += length;
            slices[i] = ListValue.Of(i >= extra && !args[1].IsAbsent && !args[1].IsNone ? [.. slice, args[1]] : slice);
        }
        return ListValue.Of(slices);
    }

    private static JinjaValue Items(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        // Jinja2 lets the undefined pass here, as an empty map.
        if (self.IsUndefined) return ListValue.Of([]);
        if (self.Ref is not MapValue map) throw r.Fail("Can only get item pairs from a mapping.");
        r.Charge(map.Count);
        return ListValue.Of(map.Pairs());
    }

    private static JinjaValue Batch(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var size = Arg.Integer(r, args[0], "the line count", 1);
        var (batches, line) = (new List<JinjaValue>(), new List<JinjaValue>());
        foreach (var item in Sequences.Items(r, self))
        {
            r.Charge();
            if (line.Count == size) Close();
            line.Add(item);
        }
        if (line.Count == 0) return ListValue.Of([]);
        for (; line.Count < size && !args[1].IsAbsent && !args[1].IsNone; line.Add(args[1])) r.Charge();
        Close();
        return ListValue.Of([.. batches]);

        void Close()
        {
            batches.Add(ListValue.Of([.. line]));
            line.Clear();
        }
    }
}
