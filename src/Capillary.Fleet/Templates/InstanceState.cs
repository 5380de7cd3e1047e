using System.Text;
using Capillary.Core.Apply;
using Capillary.Fleet.Documents;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>How reading a state file ended.</summary>
/// <param name="State">Null when there is a problem.</param>
/// <param name="Problems">What is wrong.</param>
public sealed record InstanceStateRead(InstanceState? State, IReadOnlyList<Diagnostic> Problems);

/// <summary>What an instance was made from.</summary>
/// <param name="Form">Which state file it is.</param>
/// <param name="Origin">The template and its version.</param>
/// <param name="Values">As they were given, without defaults.</param>
public sealed record InstanceState(TemplateForm Form, TemplateOrigin Origin, TemplateValues Values)
{
    internal const string Kind = "TemplateInstance";

    private const string FengineHead = "# This file is auto-generated and owned by foxops.\n# DO NOT EDIT MANUALLY.\n";
    private static readonly JinjaTemplate Body = JinjaTemplate.Parse(
        "# Written by capillary template. Values stand here as they were given.\n{{ body | to_yaml }}\n", "state",
        new JinjaOptions { KeepTrailingNewline = true });

    /// <summary>Its file's name.</summary>
    public string File => Form == TemplateForm.Fengine ? InstanceFiles.FengineState : InstanceFiles.State;

    /// <summary>Reads a state file.</summary>
    /// <param name="file">Its path, for diagnostics; its name says which form it has.</param>
    /// <param name="content">Its bytes.</param>
    public static InstanceStateRead Read(string file, ReadOnlyMemory<byte> content)
    {
        var bag = new DiagnosticBag(file);
        var text = DocumentParser.Decode(new TreeFile(file, "", content.Length, content, null), bag);
        var roots = text is null ? [] : YamlLoader.Load(text, bag);
        if (bag.IsEmpty && roots.Count != 1) bag.Error(DiagnosticCodes.DocumentCount, TextPosition.WholeFile,
            "a state file holds one document");
        if (!bag.IsEmpty || FieldReader.Of(roots[0], "", bag) is not { } root) return new(null, bag.Items);
        var state = file.EndsWith(InstanceFiles.FengineState, StringComparison.Ordinal) ? Fengine(root) : Document(root);
        return bag.IsEmpty ? new(state, []) : new(null, bag.Items);
    }

    /// <summary>The state file.</summary>
    /// <param name="all">Every value that templates saw; foxops keeps these too.</param>
    internal byte[] ToBytes(JinjaValue all)
    {
        if (Form == TemplateForm.Fengine)
        {
            return Encoding.UTF8.GetBytes(FengineHead + FengineText.Of(JinjaNodes.Map(
                ("template_data", JinjaNodes.Of(Values)), ("template_data_full", WithoutOurs(all)),
                ("template_repository", Origin.Repository), ("template_repository_version", Origin.Version),
                ("template_repository_version_hash", Origin.Commit))));
        }
        return Encoding.UTF8.GetBytes(Body.Render(JinjaNodes.Map(("body", JinjaNodes.Map(
            ("apiVersion", HostObjectReader.ApiVersion), ("kind", Kind), ("spec", JinjaNodes.Map(
                ("repository", Origin.Repository), ("version", Origin.Version), ("commit", Origin.Commit),
                ("variables", JinjaNodes.Of(Values)))))))));
    }

    /// <summary>What foxops' templates see too.</summary>
    private static JinjaValue WithoutOurs(JinjaValue all) => JinjaValue.FromMap(all.AsMap!
        .Where(item => item.Key.ToString() != GivenValues.OwnOrigin).ToDictionary(item => item.Key.ToString(), item => item.Value));

    private static InstanceState? Document(FieldReader root)
    {
        if (root.Text("apiVersion", required: true) is { } version && version.Value != HostObjectReader.ApiVersion)
            root.Bag.Error(DiagnosticCodes.WrongApiVersion, version.At, $"apiVersion '{version.Value}' is not known",
                $"write {HostObjectReader.ApiVersion}");
        root.OneOf("kind", [Kind], required: true);
        var spec = root.Child("spec", required: true);
        root.RejectUnknown();
        if (spec is null) return null;
        var state = Of(TemplateForm.Capillary, spec, "repository", "version", "commit", "variables");
        spec.RejectUnknown();
        return state;
    }

    // What foxops does not know it passes over; the full data can be computed.
    private static InstanceState? Fengine(FieldReader root) => Of(TemplateForm.Fengine, root, "template_repository",
        "template_repository_version", "template_repository_version_hash", "template_data");

    private static InstanceState? Of(TemplateForm form, FieldReader fields, string repository, string version, string commit, string data)
    {
        var from = fields.Text(repository, required: true);
        var asked = fields.Text(version, required: true);
        var id = fields.Text(commit, required: true);
        var node = fields.Get(data);
        if (node is not (null or YamlMapping)) FieldReader.WrongType(fields.Bag, node, fields.PathOf(data),
            "a mapping from names to values");
        if (from is null || asked is null || id is null) return null;
        if (id.Value.Value.Length is not (40 or 64) || !id.Value.Value.All(char.IsAsciiHexDigitLower))
            fields.Bag.Error(DiagnosticCodes.BadInstanceState, id.Value.At,
                $"'{id.Value.Value}' is no commit: 40 or 64 hexadecimal digits");
        var values = node is YamlMapping map ? TemplateValues.Of(map, fields.Bag.File) : TemplateValues.None;
        return new InstanceState(form, new TemplateOrigin(from.Value.Value, asked.Value.Value, id.Value.Value), values);
    }
}
