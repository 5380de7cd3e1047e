using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Variables;

/// <summary>Why a value does not have its type.</summary>
/// <param name="At">Where the value, or the part of it that is wrong, stands.</param>
/// <param name="Message">With the path of the part, such as <c>analysers[2].port</c>.</param>
/// <param name="Suggestion">What to write instead, when that is known.</param>
public sealed record ValueProblem(TextPosition At, string Message, string? Suggestion);

/// <summary>Collects what is wrong with one value; more than <see cref="Limit"/> say nothing new.</summary>
internal sealed class ValueProblems
{
    public const int Limit = 20;

    // Nearly every value has none.
    private List<ValueProblem>? items;

    public IReadOnlyList<ValueProblem> Items => items ?? [];

    public bool IsFull => items?.Count >= Limit;

    public void Add(YamlNode node, string message, string? suggestion = null)
    {
        if (!IsFull) (items ??= []).Add(new ValueProblem(node.At, message, suggestion));
    }

    public void WrongType(YamlNode node, string path, VariableType type, string? suggestion = null)
    {
        var article = type.Name[0] is 'a' or 'e' or 'i' or 'o' ? "an" : "a";
        // A scalar where a type with secrets belongs may be the secret.
        var found = node switch
        {
            YamlScalar when type.NamesSecrets => "a single value",
            YamlScalar scalar => CoreSchema.Resolve(scalar).ToString(),
            YamlSequence => "a list",
            _ => "a mapping",
        };
        Add(node, $"'{path}' is {article} {type.Name}, found {found}", type.NamesSecrets ? null : suggestion);
    }
}
