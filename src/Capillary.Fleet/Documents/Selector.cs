namespace Capillary.Fleet.Documents;

/// <summary>See <see cref="Requirement"/>.</summary>
public enum SelectorOperator
{
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// <summary>One condition on a label. As in Kubernetes, <c>NotIn</c> and <c>DoesNotExist</c> hold where the label is absent.</summary>
public sealed record Requirement(string Key, SelectorOperator Operator, IReadOnlyList<string> Values)
{
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        var has = labels.TryGetValue(Key, out var value);
        return Operator switch
        {
            SelectorOperator.In => has && Values.Contains(value!, StringComparer.Ordinal),
            SelectorOperator.NotIn => !has || !Values.Contains(value!, StringComparer.Ordinal),
            SelectorOperator.Exists => has,
            _ => !has,
        };
    }
}

/// <summary>Chooses sites by label: all requirements must hold; without any, it chooses every site (as in Kubernetes).</summary>
/// <param name="Requirements"><c>matchLabels</c> and <c>matchExpressions</c>, in the order written.</param>
public sealed record Selector(IReadOnlyList<Requirement> Requirements)
{
    /// <summary>Chooses every site.</summary>
    public static Selector Everything { get; } = new([]);

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var requirement in Requirements)
        {
            if (!requirement.Matches(labels)) return false;
        }
        return true;
    }

    /// <summary>Reads <c>selector: {matchLabels, matchExpressions}</c>; a missing one is reported and chooses nothing that
    /// matters.</summary>
    internal static Selector Read(FieldReader owner)
    {
        if (owner.Child("selector", required: true) is not { } fields) return Everything;
        var requirements = new List<Requirement>();
        foreach (var (key, value) in fields.Map("matchLabels"))
        {
            CheckKey(fields, key.Text, key.At);
            if (Value(fields, value, $"{fields.Path}.matchLabels.{key.Text}") is { } text)
                requirements.Add(new(key.Text, SelectorOperator.In, [text]));
        }
        foreach (var node in fields.List("matchExpressions"))
        {
            if (FieldReader.Of(node, $"{fields.Path}.matchExpressions", owner.Bag) is { } item && Expression(item) is { } requirement)
                requirements.Add(requirement);
        }
        fields.RejectUnknown();
        return new Selector(requirements);
    }

    private static Requirement? Expression(FieldReader fields)
    {
        var key = fields.Text("key", required: true);
        var name = fields.OneOf("operator", ["In", "NotIn", "Exists", "DoesNotExist"], required: true);
        var values = fields.List("values").Select(node => Value(fields, node, fields.PathOf("values"))).OfType<string>().ToList();
        fields.RejectUnknown();
        if (key is not { } label || name is not { } found) return null;
        CheckKey(fields, label.Value, label.At);
        var operation = Enum.Parse<SelectorOperator>(found.Value);
        var takesValues = operation is SelectorOperator.In or SelectorOperator.NotIn;
        if (takesValues != values.Count > 0)
        {
            fields.Bag.Error(DiagnosticCodes.BadSelector, found.At,
                takesValues ? $"{found.Value} needs at least one value" : $"{found.Value} takes no values");
        }
        return new Requirement(label.Value, operation, values);
    }

    private static void CheckKey(FieldReader fields, string key, TextPosition at)
    {
        if (LabelSyntax.KeyProblem(key) is { } problem) fields.Bag.Error(DiagnosticCodes.BadLabel, at, problem);
    }

    private static string? Value(FieldReader fields, YamlNode node, string path)
    {
        if (fields.AsText(node, path) is not { } text) return null;
        if (LabelSyntax.ValueProblem(text.Value) is not { } problem) return text.Value;
        fields.Bag.Error(DiagnosticCodes.BadLabel, text.At, problem);
        return null;
    }
}
