using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Variables;

/// <summary>One variable set in one layer.</summary>
/// <param name="Name">An identifier that some app declares.</param>
/// <param name="Value">What it is set to, with its place.</param>
/// <param name="NameAt">Where the name stands.</param>
public sealed record VariableSetting(string Name, VariableValue Value, TextPosition NameAt);

/// <summary>A variable as its app declares it, or a property of an object.</summary>
/// <param name="Name">Of a variable: a Jinja identifier. Of a property: any text.</param>
/// <param name="Type">Every value must have it.</param>
/// <param name="Default">The value when nothing else gives one; null when there is none.</param>
/// <param name="IsRequired">Something must give it a value.</param>
/// <param name="Description">For people; null when there is none.</param>
/// <param name="At">Where the declaration stands.</param>
public sealed record VariableDeclaration(string Name, VariableType Type, VariableValue? Default, bool IsRequired, string? Description,
    TextPosition At)
{
    /// <summary>What is wrong with a value of this variable; empty when it fits.</summary>
    public IReadOnlyList<ValueProblem> Problems(VariableValue value) => value.As(Type) is null ? value.Problems(Type, Name) : [];
}
