using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>The <c>attribute</c> argument of many filters: <c>a.b</c>, <c>0</c>, <c>a.0.b</c>.</summary>
internal sealed class ItemPath
{
    private readonly JinjaValue[] _parts;

    private ItemPath(JinjaValue[] parts) => _parts = parts;

    internal static ItemPath Of(RenderState r, JinjaValue attribute)
    {
        if (attribute.IsInteger) return new ItemPath([attribute]);
        return Of(r, Arg.Text(r, attribute, "the attribute"));
    }

    internal static ItemPath Of(RenderState r, string dotted)
    {
        r.Charge(dotted.Length);
        var parts = dotted.Split('.');
        return new ItemPath(Array.ConvertAll(parts, Part));
    }

    internal JinjaValue Read(RenderState r, JinjaValue item, JinjaValue missing = default)
    {
        foreach (var part in _parts)
        {
            r.Charge();
            item = Members.Item(r, item, part, null, r.At);
            if (item.IsUndefined && !missing.IsAbsent) return missing;
        }
        return item;
    }

    private static JinjaValue Part(string part)
    {
        var isIndex = part.Length > 0 && part.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0;
        return isIndex && IntegerText.TryParse(part, 10, out var index) ? index : part;
    }
}
