using System.Collections.Frozen;
using System.Collections.Immutable;
using Capillary.Jinja.Tree;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>All tests by name.</summary>
internal static class Tests
{
    private static readonly FrozenDictionary<string, BuiltinTest> All = Build();

    internal static ImmutableArray<string> Names => All.Keys;

    internal static BuiltinTest? Find(string name) => All.GetValueOrDefault(name);

    private static FrozenDictionary<string, BuiltinTest> Build()
    {
        var all = new Dictionary<string, BuiltinTest>();
        AddKinds(all);
        AddNumbers(all);
        AddComparison(all, CompareOperator.Equal, "eq", "equalto");
        AddComparison(all, CompareOperator.NotEqual, "ne");
        AddComparison(all, CompareOperator.Less, "lt", "lessthan");
        AddComparison(all, CompareOperator.LessOrEqual, "le");
        AddComparison(all, CompareOperator.Greater, "gt", "greaterthan");
        AddComparison(all, CompareOperator.GreaterOrEqual, "ge");
        AddComparison(all, CompareOperator.In, "in");
        // The symbols are names only where a test is named by a string, as in select("==", 1).
        foreach (var (symbol, name) in Symbols) all[symbol] = all[name];
        return all.ToFrozenDictionary();
    }

    private static (string Symbol, string Name)[] Symbols =>
        [("==", "eq"), ("!=", "ne"), ("<", "lt"), ("<=", "le"), (">", "gt"), (">=", "ge")];

    private static void AddKinds(Dictionary<string, BuiltinTest> all)
    {
        Add(all, "defined", static (_, v, _) => !v.IsUndefined);
        Add(all, "undefined", static (_, v, _) => v.IsUndefined);
        Add(all, "none", static (_, v, _) => v.IsNone);
        Add(all, "string", static (_, v, _) => v.Ref is string);
        Add(all, "number", static (_, v, _) => v.IsNumber);
        Add(all, "integer", static (_, v, _) => v.IsInteger || v.IsBig);
        Add(all, "float", static (_, v, _) => v.IsFloat);
        Add(all, "boolean", static (_, v, _) => v.IsBoolean);
        Add(all, "true", static (_, v, _) => v.IsBoolean && v.Bits != 0);
        Add(all, "false", static (_, v, _) => v.IsBoolean && v.Bits == 0);
        Add(all, "mapping", static (_, v, _) => v.Ref is MapValue);
        Add(all, "sequence", static (_, v, _) => v.Ref is string or ListValue or MapValue or UndefinedValue { IsStrict: false });
        Add(all, "iterable", static (r, v, _) => v.Ref is UndefinedValue { IsStrict: true } or null
            ? throw r.FailUndefined(v)
            : v.Ref is string or ListValue or MapValue or UndefinedValue);
        Add(all, "escaped", static (_, v, _) => v.IsMarkup);
        all["sameas"] = new BuiltinTest(new Signature("sameas", ["other"], required: 1), static (_, v, args) => Comparison.AreSame(v, args[0]));
        // As in Python: what is undefined can be called, if only to say so.
        Add(all, "callable", static (_, v, _) => v.Ref is Callable or UndefinedValue);
        Add(all, "lower", static (r, v, _) => IsCased(r.Text(v), upper: false));
        Add(all, "upper", static (r, v, _) => IsCased(r.Text(v), upper: true));
        Add(all, "filter", static (r, v, _) => v.Ref is string name && r.Program.Environment.FindFilter(name) is not null);
        Add(all, "test", static (r, v, _) => v.Ref is string name && r.Program.Environment.FindTest(name) is not null);
    }

    private static void AddNumbers(Dictionary<string, BuiltinTest> all)
    {
        Add(all, "odd", static (r, v, _) => Comparison.AreEqual(r, Arithmetic.Modulo(r, v, 2), 1));
        Add(all, "even", static (r, v, _) => Comparison.AreEqual(r, Arithmetic.Modulo(r, v, 2), 0));
        all["divisibleby"] = new BuiltinTest(
            new Signature("divisibleby", ["num"], required: 1),
            static (r, v, args) => Comparison.AreEqual(r, Arithmetic.Modulo(r, v, args[0]), 0));
    }

    private static void AddComparison(Dictionary<string, BuiltinTest> all, CompareOperator comparison, params string[] names)
    {
        foreach (var name in names)
        {
            var signature = new Signature(name, ["other"], required: 1);
            all[name] = new BuiltinTest(signature, (r, v, args) => Compare.Holds(r, comparison, v, args[0]));
        }
    }

    private static void Add(Dictionary<string, BuiltinTest> all, string name, TestBody body) =>
        all[name] = new BuiltinTest(new Signature(name, []), body);

    private static bool IsCased(string text, bool upper)
    {
        var cased = false;
        foreach (var c in text)
        {
            if (upper ? char.IsLower(c) : char.IsUpper(c)) return false;
            cased |= char.IsLower(c) || char.IsUpper(c);
        }
        return cased;
    }
}
