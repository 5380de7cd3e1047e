using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Templates;

/// <summary>Whose rules a template repository follows.</summary>
public enum TemplateForm
{
    /// <summary><c>template.yaml</c>, a document like the fleet's.</summary>
    Capillary,

    /// <summary>foxops' <c>fengine.yaml</c>: values may be written as strings, nothing is trimmed around blocks.</summary>
    Fengine,
}

/// <summary>What a template repository says of itself.</summary>
/// <param name="File">Its path in the repository.</param>
/// <param name="Form">Whose rules it follows.</param>
/// <param name="Variables">In the order declared.</param>
internal sealed record TemplateManifest(string File, TemplateForm Form, IReadOnlyList<VariableDeclaration> Variables)
{
    /// <summary>What our document says it is.</summary>
    public const string Kind = "Template";

    /// <summary>The document of ours.</summary>
    public const string CapillaryFile = "template.yaml";

    /// <summary>The file of foxops.</summary>
    public const string FengineFile = "fengine.yaml";

    /// <summary>Where the files stand.</summary>
    public const string Folder = "template/";

    /// <summary>For people; null when it says nothing.</summary>
    public string? Description { get; init; }

    /// <summary>Files whose content is copied as it is.</summary>
    public IReadOnlyList<PathPattern> Excluded { get; init; } = [];

    /// <summary>Files that exist only under a condition; all that match must hold.</summary>
    public IReadOnlyList<FileCondition> Conditions { get; init; } = [];

    /// <summary>Template path before to template path now.</summary>
    public IReadOnlyDictionary<string, string> Renames { get; init; } = new Dictionary<string, string>();

    /// <summary>How values of earlier versions become values of this one.</summary>
    public IReadOnlyList<VariableMigration> Migrations { get; init; } = [];

    public VariableDeclaration? Find(string name) => Variables.FirstOrDefault(variable => variable.Name == name);
}

/// <summary>Files that exist only when an expression is true.</summary>
/// <param name="Files">Which, before their names are rendered.</param>
/// <param name="When">A Jinja expression over the variables.</param>
/// <param name="At">Where the expression stands.</param>
internal sealed record FileCondition(PathPattern Files, string When, TextPosition At);

/// <summary>A variable of earlier versions.</summary>
/// <param name="From">Its name then.</param>
/// <param name="To">Its name now; null: it has no successor.</param>
/// <param name="Value">A Jinja template over the values of then, whose result is read as YAML; null: the value as it was.</param>
/// <param name="At">Where it stands.</param>
internal sealed record VariableMigration(string From, string? To, string? Value, TextPosition At);
