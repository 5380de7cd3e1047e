using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Variables;

/// <summary>
/// What a variable's values may be. It knows nothing of how a type is written down: apps and templates have their own readers.
/// The same instance as long as the document that declares it stays, so a value remembers which type it was found to have.
/// </summary>
public abstract record VariableType
{
    private protected VariableType()
    {
    }

    /// <summary>The word for it in YAML, such as <c>integer</c>.</summary>
    public abstract string Word { get; }

    /// <summary>In a sentence, such as <c>list of integer</c>.</summary>
    public virtual string Name => Word;

    /// <summary>True when values of it, or parts of them, name secrets.</summary>
    public virtual bool NamesSecrets => false;

    /// <summary>Says what is wrong with a node and everything below it.</summary>
    internal abstract void Check(YamlNode node, string path, ValueProblems problems);

    /// <summary>A node that fits, with the defaults of the properties that it leaves out; the same instance when it leaves out none.
    /// </summary>
    /// <param name="node">Checked before.</param>
    /// <param name="path">Of the node.</param>
    /// <param name="filled">Gets path and default of everything that was filled in.</param>
    internal virtual YamlNode Complete(YamlNode node, string path, List<FilledDefault>? filled) => node;
}

/// <summary>A property that a value left out, and what it is instead.</summary>
/// <param name="Path">Such as <c>analysers[2].port</c>.</param>
/// <param name="Default">The default of its type, with its place in the declaration.</param>
public sealed record FilledDefault(string Path, VariableValue Default);

/// <summary>Whatever YAML can say; parts of objects can be so.</summary>
public sealed record AnyType : VariableType
{
    /// <summary>The only one.</summary>
    public static AnyType Instance { get; } = new();

    /// <inheritdoc/>
    public override string Word => "any";

    internal override void Check(YamlNode node, string path, ValueProblems problems)
    {
    }
}

/// <summary>A list of values of one type.</summary>
/// <param name="Items">The type of each.</param>
/// <param name="MinItems">The fewest; null: no limit.</param>
/// <param name="MaxItems">The most; null: no limit.</param>
/// <param name="IsUnique">No two are equal; 1 and 1.0 are.</param>
public sealed record ListType(VariableType Items, int? MinItems, int? MaxItems, bool IsUnique) : VariableType
{
    /// <inheritdoc/>
    public override string Word => "list";

    /// <inheritdoc/>
    public override string Name => $"list of {Items.Name}";

    /// <inheritdoc/>
    public override bool NamesSecrets => Items.NamesSecrets;

    internal override void Check(YamlNode node, string path, ValueProblems problems)
    {
        if (node is not YamlSequence { Items: var items })
        {
            var one = node is YamlScalar { IsPlain: true, Text.Length: > 0 and < 40 } scalar ? $"write [{scalar.Text}]" : null;
            problems.WrongType(node, path, this, one);
            return;
        }
        if (items.Count < MinItems || items.Count > MaxItems)
        {
            problems.Add(node, $"'{path}' has {Plural(items.Count)}; "
                + (items.Count < MinItems ? $"at least {MinItems}" : $"at most {MaxItems}"));
        }
        for (var i = 0; i < items.Count && !problems.IsFull; i++) Items.Check(items[i], $"{path}[{i}]", problems);
        if (IsUnique) CheckUnique(items, path, problems);
    }

    internal override YamlNode Complete(YamlNode node, string path, List<FilledDefault>? filled)
    {
        if (node is not YamlSequence { Items: var items }) return node;
        List<YamlNode> complete = [.. items.Select((item, i) => Items.Complete(item, $"{path}[{i}]", filled))];
        return complete.SequenceEqual(items, ReferenceEqualityComparer.Instance) ? node : new YamlSequence(complete, node.At, node.Weight);
    }

    private static void CheckUnique(IReadOnlyList<YamlNode> items, string path, ValueProblems problems)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < items.Count; i++)
        {
            var text = CanonicalJson.Text(items[i]);
            if (!seen.TryAdd(text, i)) problems.Add(items[i], $"'{path}[{i}]' is the same as '{path}[{seen[text]}]'");
        }
    }

    private static string Plural(int count) => count == 1 ? "1 item" : $"{count} items";
}

/// <summary>A mapping with known names.</summary>
/// <param name="Properties">By name.</param>
/// <param name="Additional">The type of what has another name; null: nothing has.</param>
public sealed record ObjectType(IReadOnlyDictionary<string, VariableDeclaration> Properties, VariableType? Additional) : VariableType
{
    /// <inheritdoc/>
    public override string Word => "object";

    /// <inheritdoc/>
    public override bool NamesSecrets => Additional is { NamesSecrets: true } || Properties.Values.Any(one => one.Type.NamesSecrets);

    internal override void Check(YamlNode node, string path, ValueProblems problems)
    {
        if (node is not YamlMapping mapping)
        {
            problems.WrongType(node, path, this);
            return;
        }
        foreach (var (key, value) in mapping.Entries)
        {
            if (problems.IsFull) return;
            if (TypeOf(key.Text) is { } type) type.Check(value, $"{path}.{key.Text}", problems);
            else problems.Add(key, $"'{path}.{key.Text}' is not known", NearestName.Suggest(key.Text, Properties.Keys)
                ?? $"known here: {string.Join(", ", Properties.Keys)}");
        }
        foreach (var property in Properties.Values)
        {
            if (property.IsRequired && mapping.Find(property.Name) is null)
                problems.Add(node, $"'{path}.{property.Name}' is required ({property.Type.Name})");
        }
    }

    internal override YamlNode Complete(YamlNode node, string path, List<FilledDefault>? filled)
    {
        if (node is not YamlMapping mapping) return node;
        var entries = new List<YamlEntry>(mapping.Entries.Count);
        var isSame = true;
        foreach (var (key, value) in mapping.Entries)
        {
            var complete = TypeOf(key.Text) is { } type ? type.Complete(value, $"{path}.{key.Text}", filled) : value;
            isSame &= ReferenceEquals(complete, value);
            entries.Add(new(key, complete));
        }
        foreach (var property in Properties.Values)
        {
            if (property.Default is not { } given || mapping.Find(property.Name) is not null) continue;
            var value = given.As(property.Type) ?? given;
            filled?.Add(new($"{path}.{property.Name}", value));
            entries.Add(new(new YamlScalar(property.Name, false, value.At), value.Node));
            isSame = false;
        }
        return isSame ? node : new YamlMapping(entries, node.At, node.Weight);
    }

    private VariableType? TypeOf(string name) => Properties.TryGetValue(name, out var property) ? property.Type : Additional;
}
