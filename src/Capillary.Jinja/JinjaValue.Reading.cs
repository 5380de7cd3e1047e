using Capillary.Jinja.Values;

namespace Capillary.Jinja;

/// <content>What a filter, test or function of the host reads of a value.</content>
public readonly partial struct JinjaValue
{
    /// <summary>The string; null for every other kind.</summary>
    public string? AsString => Ref as string;

    /// <summary>The integer, or 1 and 0 for <c>True</c> and <c>False</c>; null for every other kind, and for more than 64 bits.</summary>
    public long? AsInteger => IsIntegral ? Bits : null;

    /// <summary>The number as a double; null if this is none.</summary>
    public double? AsNumber => IsNumber ? AsDouble : null;

    /// <summary>Items of a list, tuple or range, in order; null for every other kind.</summary>
    public IReadOnlyList<JinjaValue>? AsList => (Ref as ListValue)?.Items;

    /// <summary>Entries of a map in order; null for every other kind.</summary>
    public IEnumerable<KeyValuePair<JinjaValue, JinjaValue>>? AsMap => (Ref as MapValue)?.Entries;

    /// <summary>The string is safe to stand in HTML: autoescape leaves it as it is.</summary>
    public bool IsSafe => IsMarkup;

    /// <summary>A string that autoescape leaves as it is.</summary>
    public static JinjaValue Safe(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return Markup(value);
    }

    /// <summary>The value under <paramref name="key"/> of a map, or the undefined value.</summary>
    public JinjaValue Get(string key) => Ref is MapValue map && map.TryGet(key, out var value) ? value : default;

    /// <summary>A function that templates can call.</summary>
    /// <param name="name">For error messages.</param>
    /// <param name="body">Called with the arguments; from any thread that renders.</param>
    public static JinjaValue FromFunction(string name, JinjaFunction body)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(body);
        return new JinjaValue(new HostFunction(name, body));
    }
}
