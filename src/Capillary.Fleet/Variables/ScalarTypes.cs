using System.Globalization;
using Capillary.Core.Identity;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Variables;

/// <summary>A single value.</summary>
public abstract record ScalarType : VariableType
{
    private protected ScalarType()
    {
    }

    internal sealed override void Check(YamlNode node, string path, ValueProblems problems)
    {
        var value = node is YamlScalar scalar ? CoreSchema.Resolve(scalar) : default;
        if (node is not YamlScalar || !Takes(value.Kind)) problems.WrongType(node, path, this, node is YamlScalar ? Fix(value) : null);
        else if (Problem(value) is { } problem) problems.Add(node, $"'{path}' {problem.Message}", problem.Suggestion);
    }

    /// <summary>True when a scalar has the type; no type takes null.</summary>
    internal bool Takes(ScalarValue value) => Takes(value.Kind) && Problem(value) is null;

    private protected abstract bool Takes(ScalarKind kind);

    /// <summary>What is wrong with a value of the right kind, after its name.</summary>
    private protected virtual (string Message, string? Suggestion)? Problem(ScalarValue value) => null;

    private protected virtual string? Fix(ScalarValue value) =>
        value.Kind == ScalarKind.Null ? "remove the line, or give it a value" : null;

    /// <summary>Help for a number that stands in quotes.</summary>
    private protected static string? Unquoted(ScalarValue value) =>
        value.Kind == ScalarKind.String && CoreSchema.Resolve(value.Text).Kind is ScalarKind.Integer or ScalarKind.Number
            ? $"remove the quotes: {value.Text}" : null;

    private protected static string Range(object? least, object? most) => (least, most) switch
    {
        (null, _) => string.Create(CultureInfo.InvariantCulture, $"at most {most}"),
        (_, null) => string.Create(CultureInfo.InvariantCulture, $"at least {least}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"from {least} to {most}"),
    };
}

/// <summary>A text.</summary>
/// <param name="MinLength">The fewest characters (Unicode code points); null: no limit.</param>
/// <param name="MaxLength">The most characters (Unicode code points); null: no limit.</param>
/// <param name="Pattern">What the whole text must match; null: anything.</param>
public sealed record StringType(int? MinLength = null, int? MaxLength = null, TextPattern? Pattern = null) : ScalarType
{
    /// <inheritdoc/>
    public override string Word => "string";

    private protected override bool Takes(ScalarKind kind) => kind == ScalarKind.String;

    private protected override (string Message, string? Suggestion)? Problem(ScalarValue value)
    {
        if (MinLength is not null || MaxLength is not null)
        {
            var length = value.Text.EnumerateRunes().Count();
            if (length < MinLength || length > MaxLength)
                return ($"has {Range(MinLength, MaxLength)} characters, found {length} in {value}", null);
        }
        return Pattern is null || Pattern.Matches(value.Text) ? null : ($"does not match {Pattern.Text}, found {value}", null);
    }

    private protected override string? Fix(ScalarValue value) =>
        value.Kind == ScalarKind.Null ? base.Fix(value) : $"quote it: \"{value.Text}\"";
}

/// <summary>A whole number of 64 bits.</summary>
/// <param name="Minimum">The least; null: no limit.</param>
/// <param name="Maximum">The greatest; null: no limit.</param>
public sealed record IntegerType(long? Minimum = null, long? Maximum = null) : ScalarType
{
    /// <inheritdoc/>
    public override string Word => "integer";

    private protected override bool Takes(ScalarKind kind) => kind == ScalarKind.Integer;

    private protected override (string Message, string? Suggestion)? Problem(ScalarValue value)
    {
        if (!long.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return ($"is beyond 64 bits with a sign, found {value}", null);
        return number < Minimum || number > Maximum ? ($"is {Range(Minimum, Maximum)}, found {value}", null) : null;
    }

    private protected override string? Fix(ScalarValue value) => Unquoted(value) ?? base.Fix(value);
}

/// <summary>A number, whole or not.</summary>
/// <param name="Minimum">The least; null: no limit.</param>
/// <param name="Maximum">The greatest; null: no limit.</param>
public sealed record NumberType(double? Minimum = null, double? Maximum = null) : ScalarType
{
    /// <inheritdoc/>
    public override string Word => "number";

    private protected override bool Takes(ScalarKind kind) => kind is ScalarKind.Integer or ScalarKind.Number;

    private protected override (string Message, string? Suggestion)? Problem(ScalarValue value)
    {
        if (Minimum is null && Maximum is null) return null;
        var number = double.Parse(value.Text, CultureInfo.InvariantCulture);
        return number < Minimum || number > Maximum ? ($"is {Range(Minimum, Maximum)}, found {value}", null) : null;
    }

    private protected override string? Fix(ScalarValue value) => Unquoted(value) ?? base.Fix(value);
}

/// <summary><c>true</c> or <c>false</c>.</summary>
public sealed record BooleanType : ScalarType
{
    /// <inheritdoc/>
    public override string Word => "boolean";

    private protected override bool Takes(ScalarKind kind) => kind == ScalarKind.Boolean;

    private protected override string? Fix(ScalarValue value)
    {
        if (value.Kind != ScalarKind.String) return base.Fix(value);
        return value.Text.ToLowerInvariant() switch
        {
            "yes" or "on" or "y" or "true" => $"write true: '{value.Text}' is a string in YAML 1.2",
            "no" or "off" or "n" or "false" => $"write false: '{value.Text}' is a string in YAML 1.2",
            _ => null,
        };
    }
}

/// <summary>One of a closed list of scalars.</summary>
/// <param name="Values">In the order written; none is null, none stands twice.</param>
public sealed record EnumType(IReadOnlyList<ScalarValue> Values) : ScalarType
{
    /// <inheritdoc/>
    public override string Word => "enum";

    /// <inheritdoc/>
    public override string Name => $"enum ({List})";

    private string List => string.Join(", ", Values.Select(value => value.Text));

    /// <summary>True when two scalars are the same value; 1 and 1.0 are.</summary>
    internal static bool AreEqual(ScalarValue left, ScalarValue right) => left.Text == right.Text
        && (left.Kind == right.Kind || (IsNumber(left) && IsNumber(right)));

    private protected override bool Takes(ScalarKind kind) => kind != ScalarKind.Null;

    private protected override (string Message, string? Suggestion)? Problem(ScalarValue value)
    {
        foreach (var allowed in Values)
        {
            if (AreEqual(allowed, value)) return null;
        }
        var near = Values.Where(allowed => allowed.Text == value.Text).Select(allowed => allowed.Kind == ScalarKind.String
            ? $"quote it: \"{value.Text}\"" : $"remove the quotes: {value.Text}").FirstOrDefault();
        return ($"is one of {List}, found {value}", near ?? NearestName.Suggest(value.Text, Values.Select(allowed => allowed.Text)));
    }

    private static bool IsNumber(ScalarValue value) => value.Kind is ScalarKind.Integer or ScalarKind.Number;
}

/// <summary>The name of a secret, written <c>{secret: NAME}</c>; never the secret itself.</summary>
public sealed record SecretType : VariableType
{
    /// <summary>The only member of the mapping.</summary>
    public const string Member = "secret";

    /// <inheritdoc/>
    public override string Word => Member;

    /// <inheritdoc/>
    public override bool NamesSecrets => true;

    // What was found is never said: it may be the secret, written where it does not belong.
    internal override void Check(YamlNode node, string path, ValueProblems problems)
    {
        if (node is YamlMapping { Entries: [{ Key.Text: Member, Value: YamlScalar name }] })
        {
            if (CoreSchema.Resolve(name).Kind != ScalarKind.String || !DnsLabel.IsValid(name.Text))
            {
                problems.Add(name,
                    $"'{path}.{Member}' is not the name of a secret: 1 to {DnsLabel.MaxLength} lower-case letters, digits and '-'");
            }
            return;
        }
        problems.Add(node, $"'{path}' names a secret and never holds it", node is YamlScalar
            ? "write {secret: NAME}; if what stands here is a secret, change it: Git keeps it for ever" : "write {secret: NAME}");
    }
}
