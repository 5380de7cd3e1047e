namespace Capillary.Fleet.Documents;

/// <summary>A kind of diagnostic: its stable id and a title that fits every case of it.</summary>
public sealed record DiagnosticCode(string Id, string Title);

/// <summary>Every diagnostic code, in one place. An id is never given a second meaning.</summary>
public static class DiagnosticCodes
{
    // 00xx: the tree of files.
    public static readonly DiagnosticCode EmptyRepository = new("CAP0001", "The repository is empty");
    public static readonly DiagnosticCode FleetFileMissing = new("CAP0002", "fleet.yaml is missing");
    public static readonly DiagnosticCode LinkInTree = new("CAP0003", "Symbolic links and submodules are not followed");
    public static readonly DiagnosticCode FileTooLarge = new("CAP0004", "A file is too large");
    public static readonly DiagnosticCode TooManyFiles = new("CAP0005", "The repository has too many files");
    public static readonly DiagnosticCode RepositoryTooLarge = new("CAP0006", "The repository is too large");
    public static readonly DiagnosticCode NotUtf8 = new("CAP0007", "A text file is not UTF-8");
    public static readonly DiagnosticCode Misplaced = new("CAP0008", "A file stands where nothing reads it");
    public static readonly DiagnosticCode BadPath = new("CAP0009", "A path cannot be used");

    // 01xx: YAML.
    public static readonly DiagnosticCode YamlSyntax = new("CAP0101", "The YAML cannot be read");
    public static readonly DiagnosticCode DuplicateKey = new("CAP0102", "A key stands twice in one mapping");
    public static readonly DiagnosticCode YamlTag = new("CAP0103", "YAML tags are refused");
    public static readonly DiagnosticCode YamlTooBig = new("CAP0104", "The YAML has too many nodes");
    public static readonly DiagnosticCode YamlTooDeep = new("CAP0105", "The YAML is nested too deep");
    public static readonly DiagnosticCode DocumentCount = new("CAP0106", "A file holds exactly one document");
    public static readonly DiagnosticCode YamlKey = new("CAP0107", "A mapping key must be a plain name");
    public static readonly DiagnosticCode YamlAlias = new("CAP0108", "An alias has no anchor");

    // 02xx: one document.
    public static readonly DiagnosticCode WrongType = new("CAP0201", "A value has the wrong type");
    public static readonly DiagnosticCode MissingField = new("CAP0202", "A required field is missing");
    public static readonly DiagnosticCode UnknownField = new("CAP0203", "A field is unknown");
    public static readonly DiagnosticCode WrongApiVersion = new("CAP0204", "apiVersion is unknown");
    public static readonly DiagnosticCode WrongKind = new("CAP0205", "kind does not fit the folder");
    public static readonly DiagnosticCode BadName = new("CAP0206", "A name breaks the rule for names");
    public static readonly DiagnosticCode NameAndPath = new("CAP0207", "metadata.name and the file's path disagree");
    public static readonly DiagnosticCode NotAllowed = new("CAP0208", "A value is not one of those allowed");
    public static readonly DiagnosticCode BadLabel = new("CAP0209", "A label breaks the rule for labels");
    public static readonly DiagnosticCode BadSelector = new("CAP0210", "A selector cannot be used");
    public static readonly DiagnosticCode BadDeclaration = new("CAP0211", "A variable's declaration contradicts itself");
    public static readonly DiagnosticCode BadHealthTest = new("CAP0212", "A test of a health rule cannot be used");

    // 03xx: documents that name each other.
    public static readonly DiagnosticCode UnknownRegion = new("CAP0301", "A region is not known");
    public static readonly DiagnosticCode DuplicateName = new("CAP0302", "A name is used twice");
    public static readonly DiagnosticCode UnknownApp = new("CAP0303", "An app is not known");
    public static readonly DiagnosticCode AppCycle = new("CAP0304", "Apps wait for each other in a circle");
    public static readonly DiagnosticCode UnknownPolicy = new("CAP0305", "A rollout policy is not known");
    public static readonly DiagnosticCode DuplicateRule = new("CAP0306", "Two health rules are for one kind");

    // 04xx: variables.
    public static readonly DiagnosticCode UndeclaredVariable = new("CAP0401", "No app declares this variable");
    public static readonly DiagnosticCode VariableType = new("CAP0402", "A variable's value does not fit its type");
    public static readonly DiagnosticCode VariableMissing = new("CAP0403", "A required variable has no value");

    // 05xx: templates and what they render to.
    public static readonly DiagnosticCode TemplateSyntax = new("CAP0501", "A template cannot be read");
    public static readonly DiagnosticCode TemplateFailed = new("CAP0502", "A template cannot be rendered");
    public static readonly DiagnosticCode TemplateVariable = new("CAP0503", "A template reads a name that does not exist");
    public static readonly DiagnosticCode TemplatePath = new("CAP0504", "A template's path renders to no usable path");
    public static readonly DiagnosticCode BadObject = new("CAP0505", "A rendered object is not valid");
    public static readonly DiagnosticCode DuplicateObject = new("CAP0506", "An object stands twice in one app");
    public static readonly DiagnosticCode UnknownFile = new("CAP0507", "An object names a file that the app does not render");
    public static readonly DiagnosticCode UnknownArtifact = new("CAP0508", "An object names an artifact that the app does not have");
    public static readonly DiagnosticCode PathTakenTwice = new("CAP0509", "Two objects write the same path of a site");
    public static readonly DiagnosticCode ArtifactMissing = new("CAP0510", "An artifact's file is not in the repository");
    public static readonly DiagnosticCode BundleLimit = new("CAP0511", "The result does not fit in a bundle");
    public static readonly DiagnosticCode RenderedYaml = new("CAP0512", "Rendered YAML cannot be read");
    public static readonly DiagnosticCode ObjectTakenTwice = new("CAP0513", "Two apps have the same object of a site");

    // 06xx: template repositories and what was made from them.
    public static readonly DiagnosticCode ManifestMissing = new("CAP0601", "A template repository has no manifest");
    public static readonly DiagnosticCode NameTakenTwice = new("CAP0602", "Two templates render to one name");
    public static readonly DiagnosticCode UnknownTemplateVariable = new("CAP0603", "The template declares no such variable");
    public static readonly DiagnosticCode VersionMissing = new("CAP0604", "The template repository has no such version");
    public static readonly DiagnosticCode BadInstanceState = new("CAP0605", "An instance's state file cannot be used");

    /// <summary>All of them, in order of id.</summary>
    public static IReadOnlyList<DiagnosticCode> All { get; } =
    [
        EmptyRepository, FleetFileMissing, LinkInTree, FileTooLarge, TooManyFiles, RepositoryTooLarge, NotUtf8, Misplaced, BadPath,
        YamlSyntax, DuplicateKey, YamlTag, YamlTooBig, YamlTooDeep, DocumentCount, YamlKey, YamlAlias,
        WrongType, MissingField, UnknownField, WrongApiVersion, WrongKind, BadName, NameAndPath, NotAllowed, BadLabel, BadSelector,
        BadDeclaration, BadHealthTest,
        UnknownRegion, DuplicateName, UnknownApp, AppCycle, UnknownPolicy, DuplicateRule,
        UndeclaredVariable, VariableType, VariableMissing,
        TemplateSyntax, TemplateFailed, TemplateVariable, TemplatePath, BadObject, DuplicateObject, UnknownFile, UnknownArtifact,
        PathTakenTwice, ArtifactMissing, BundleLimit, RenderedYaml, ObjectTakenTwice,
        ManifestMissing, NameTakenTwice, UnknownTemplateVariable, VersionMissing, BadInstanceState,
    ];
}
