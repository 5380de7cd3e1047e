using System.Collections.Immutable;
using Capillary.Core.Apply.Kubernetes;

namespace Capillary.Fleet.Documents;

/// <summary>Reads the spec of <c>health/NAME.yaml</c>.</summary>
internal static class HealthRulesReader
{
    public static HealthRulesDocument Read(DocumentHead head, FieldReader spec)
    {
        var rules = new List<Located<HealthRule>>();
        var nodes = spec.List("rules", required: true);
        foreach (var node in nodes.Take(KubernetesPolicyJson.MaxEntries))
        {
            if (FieldReader.Of(node, spec.PathOf("rules"), spec.Bag) is { } fields) rules.Add(Rule(fields));
        }
        if (nodes.Count > KubernetesPolicyJson.MaxEntries)
            KubernetesPolicyReader.TooMany(spec, nodes, "rules", KubernetesPolicyJson.MaxEntries);
        return new HealthRulesDocument(head, rules);
    }

    private static Located<HealthRule> Rule(FieldReader fields)
    {
        var (group, kind) = KubernetesPolicyReader.ReadKind(fields);
        var healthy = Tests(fields, "healthy", required: true);
        if (healthy.IsEmpty && fields.Get("healthy") is YamlSequence { Items.Count: 0 } empty)
        {
            fields.Bag.Error(DiagnosticCodes.BadHealthTest, empty.At,
                $"{fields.PathOf("healthy")}: without a test nothing is ever healthy");
        }
        var (degraded, suspended) = (Tests(fields, "degraded"), Tests(fields, "suspended"));
        var message = fields.Text("messagePath");
        if (message is { } path && JsonPath.Parse(path.Value, out var problem) is null)
            BadTest(fields, path.At, "messagePath", problem!);
        fields.RejectUnknown();
        return new(new HealthRule(group, kind.Value, healthy, degraded, suspended, message?.Value), kind.At);
    }

    private static ImmutableArray<HealthTest> Tests(FieldReader owner, string name, bool required = false)
    {
        var tests = ImmutableArray.CreateBuilder<HealthTest>();
        var nodes = owner.List(name, required);
        foreach (var node in nodes.Take(KubernetesPolicyJson.MaxParts))
        {
            if (FieldReader.Of(node, owner.PathOf(name), owner.Bag) is { } fields && Test(fields) is { } test) tests.Add(test);
        }
        if (nodes.Count > KubernetesPolicyJson.MaxParts) KubernetesPolicyReader.TooMany(owner, nodes, name, KubernetesPolicyJson.MaxParts);
        return tests.ToImmutable();
    }

    private static HealthTest? Test(FieldReader fields)
    {
        var path = fields.Text("path", required: true);
        var how = fields.OneOf("operator", KubernetesPolicyJson.OperatorNames);
        var name = how?.Value ?? KubernetesPolicyJson.OperatorNames[0];
        var operation = (HealthOperator)KubernetesPolicyJson.OperatorNames.ToList().IndexOf(name);
        var node = fields.Get("value");
        var value = Value(fields, node, operation);
        fields.RejectUnknown();
        if (path is not { } found || value is null) return null;
        var test = new HealthTest(found.Value, operation, value);
        if (node is null && operation is not (HealthOperator.Exists or HealthOperator.Missing))
            fields.Bag.Error(DiagnosticCodes.MissingField, fields.At, $"{fields.PathOf("value")} is required for {name}");
        else if (KubernetesPolicyJson.TestProblem(test) is { } problem)
        {
            var isPath = JsonPath.Parse(found.Value, out _) is null;
            BadTest(fields, isPath ? found.At : node?.At ?? fields.At, isPath ? "path" : "value", problem);
        }
        return test;
    }

    /// <summary>Values are compared as they are written: <c>True</c> is the text of a condition, <c>true</c> that of a boolean.</summary>
    private static string? Value(FieldReader fields, YamlNode? node, HealthOperator operation)
    {
        switch (node)
        {
            case null: return "";
            case YamlScalar scalar: return scalar.Text;
            case YamlSequence list when operation == HealthOperator.In && list.Items.All(item => item is YamlScalar):
                var texts = list.Items.Select(item => ((YamlScalar)item).Text).ToList();
                if (texts.TrueForAll(text => !text.Contains(','))) return string.Join(',', texts);
                BadTest(fields, node.At, "value", "a value in a list holds no comma");
                return null;
        }
        FieldReader.WrongType(fields.Bag, node, fields.PathOf("value"),
            operation == HealthOperator.In ? "a list of values" : "a string, number or boolean");
        return null;
    }

    private static void BadTest(FieldReader fields, TextPosition at, string name, string problem) =>
        fields.Bag.Error(DiagnosticCodes.BadHealthTest, at, $"{fields.PathOf(name)}: {problem}",
            name == "value" ? null : "write it such as .status.phase or .status.conditions[?(@.type==\"Ready\")].status");
}
