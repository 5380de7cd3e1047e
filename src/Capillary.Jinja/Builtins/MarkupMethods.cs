using System.Collections.Frozen;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>What methods of a safe string give is safe too: their arguments are escaped where they come into the text.</summary>
internal static class MarkupMethods
{
    private static readonly FrozenSet<string> Safe = FrozenSet.ToFrozenSet(
    [
        "join", "split", "rsplit", "splitlines", "capitalize", "title", "lower", "upper", "replace", "ljust", "rjust", "lstrip", "rstrip",
        "center", "strip", "expandtabs", "swapcase", "zfill", "casefold", "removeprefix", "removesuffix", "partition", "rpartition",
    ]);

    internal static JinjaValue Call(RenderState r, Builtin method, JinjaValue self, JinjaValue[] laid)
    {
        r.ChargeFor(self);
        var name = method.Signature.Name;
        if (!self.IsMarkup || !Safe.Contains(name)) return method.Body(r, self, laid);
        if (name == "replace") laid[1] = Markup.Escape(r, laid[1]);
        if (name == "join") laid[0] = ListValue.Of(Array.ConvertAll(Sequences.Items(r, laid[0]), item => Markup.Escape(r, item)));
        return Marked(method.Body(r, self, laid));
    }

    private static JinjaValue Marked(JinjaValue result) => result.Ref switch
    {
        string text => JinjaValue.Markup(text),
        ListValue list => new JinjaValue(new ListValue(Array.ConvertAll(list.Items, Marked), list.Shape)),
        _ => result,
    };
}
