using System.Globalization;
using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Jinja;

namespace Capillary.Fleet.Variables;

/// <summary>A value as a layer or a default gives it, with the places of all its parts. It never changes.</summary>
public sealed class VariableValue
{
    // What As found last, so that ten thousand sites check their fleet's list once: the type, or the type with the completed value.
    private object? last;
    private string? key;

    // Of a list or an object: null.
    private readonly ScalarValue scalar;

    internal VariableValue(YamlNode node) => (Node, scalar) = (node, node is YamlScalar one ? CoreSchema.Resolve(one) : ScalarValue.Null);

    /// <summary>Where it stands.</summary>
    public TextPosition At => Node.At;

    internal YamlNode Node { get; }

    /// <summary>Two values with the same key look the same to every template.</summary>
    internal string Key => key ??= AppendKey(new StringBuilder(), Node).ToString();

    /// <summary>The value with the defaults of its type filled in; null when it does not have that type. Safe from many threads.</summary>
    public VariableValue? As(VariableType type)
    {
        var known = last;
        if (ReferenceEquals(known, type)) return this;
        if (known is Completed done && ReferenceEquals(done.Type, type)) return done.Value;
        // Most values are scalars, and several apps declare them: the check of every commit must cost nothing.
        if (type is ScalarType simple)
        {
            if (!simple.Takes(scalar)) return null;
            last = type;
            return this;
        }
        if (Problems(type, "").Count > 0) return null;
        var node = type.Complete(Node, "", null);
        if (ReferenceEquals(node, Node))
        {
            last = type;
            return this;
        }
        var value = new VariableValue(node);
        last = new Completed(type, value);
        return value;
    }

    /// <summary>What is wrong with it as a value of this type, at most 20; paths begin with <paramref name="name"/>.</summary>
    public IReadOnlyList<ValueProblem> Problems(VariableType type, string name)
    {
        var problems = new ValueProblems();
        type.Check(Node, name, problems);
        return problems.Items;
    }

    /// <summary>Which properties <see cref="As"/> fills in; the value must have the type.</summary>
    public IReadOnlyList<FilledDefault> Filled(VariableType type, string name)
    {
        var filled = new List<FilledDefault>();
        type.Complete(Node, name, filled);
        return filled;
    }

    /// <summary>As a template sees it. The members of a map come in ordinal order: how a person ordered them changes no site.</summary>
    public JinjaValue ToJinja() => ToJinja(Node);

    /// <summary>Canonical JSON.</summary>
    public string ToJson() => CanonicalJson.Text(Node);

    /// <summary>As a person reads it: YAML in one line, strings in quotes.</summary>
    public override string ToString() => Append(new StringBuilder(), Node).ToString();

    private static JinjaValue ToJinja(YamlNode node)
    {
        switch (node)
        {
            case YamlSequence list: return JinjaValue.FromList([.. list.Items.Select(ToJinja)]);
            case YamlMapping mapping:
                var map = new SortedDictionary<string, JinjaValue>(StringComparer.Ordinal);
                foreach (var (name, item) in mapping.Entries) map[name.Text] = ToJinja(item);
                return JinjaValue.FromMap(map);
        }
        var value = CoreSchema.Resolve((YamlScalar)node);
        return value.Kind switch
        {
            ScalarKind.Null => JinjaValue.None,
            ScalarKind.Boolean => JinjaValue.From(value.Text == "true"),
            ScalarKind.Integer when long.TryParse(value.Text, CultureInfo.InvariantCulture, out var integer) => JinjaValue.From(integer),
            ScalarKind.Integer or ScalarKind.Number => JinjaValue.From(double.Parse(value.Text, CultureInfo.InvariantCulture)),
            _ => JinjaValue.From(value.Text),
        };
    }

    // Not JSON: there 1 and 1.0 are one text, and a template prints them differently.
    private static StringBuilder AppendKey(StringBuilder text, YamlNode node)
    {
        switch (node)
        {
            case YamlSequence list:
                text.Append('[');
                foreach (var item in list.Items) AppendKey(text, item);
                return text.Append(']');
            case YamlMapping mapping:
                text.Append('{');
                foreach (var (name, item) in mapping.Entries.OrderBy(entry => entry.Key.Text, StringComparer.Ordinal))
                    AppendKey(Sized(text, name.Text), item);
                return text.Append('}');
        }
        var value = CoreSchema.Resolve((YamlScalar)node);
        return Sized(text.Append((char)('0' + (int)value.Kind)), value.Text);
    }

    private static StringBuilder Sized(StringBuilder text, string part) =>
        text.Append(CultureInfo.InvariantCulture, $"{part.Length}:").Append(part);

    private static StringBuilder Append(StringBuilder text, YamlNode node)
    {
        switch (node)
        {
            case YamlSequence list:
                text.Append('[');
                for (var i = 0; i < list.Items.Count; i++) Append(text.Append(i == 0 ? "" : ", "), list.Items[i]);
                return text.Append(']');
            case YamlMapping mapping:
                text.Append('{');
                for (var i = 0; i < mapping.Entries.Count; i++)
                    Append(text.Append(i == 0 ? "" : ", ").Append(mapping.Entries[i].Key.Text).Append(": "), mapping.Entries[i].Value);
                return text.Append('}');
            default: return text.Append(CoreSchema.Resolve((YamlScalar)node));
        }
    }

    private sealed record Completed(VariableType Type, VariableValue Value);
}
