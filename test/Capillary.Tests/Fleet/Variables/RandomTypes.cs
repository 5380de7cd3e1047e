using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Tests.Fleet.Variables;

/// <summary>Types and values at random: small, and often nearly right.</summary>
internal sealed class RandomTypes(Random random)
{
    private static readonly TextPosition At = new(1, 1);
    private static readonly string[] Names = ["a", "b", "c-d"];
    private static readonly string[] Texts = ["", "a", "ab", "abc", "é", "😀", "5", "true", "1.5", "a\n"];
    private static readonly string[] Plain = ["0", "1", "-3", "7", "1.0", "2.5", "-0.5", "true", "false", "~"];
    private static readonly string[] Patterns = ["a.*", "[a-c]{1,2}", "a|ab", "", "[^a]+", "(a|b)*c"];

    public VariableType Type(int depth)
    {
        switch (random.Next(depth == 0 ? 6 : 8))
        {
            case 0:
                return new StringType(Limit(2), Limit(4), Chance(2) ? TextPattern.Parse(Pick(Patterns), out _) : null);
            case 1: return new IntegerType(Limit(3) - 2, Limit(4));
            case 2: return new NumberType(Limit(3) - 1.5, Limit(4) + 0.5);
            case 3: return new BooleanType();
            case 4:
                var values = Enumerable.Range(0, random.Next(1, 4)).Select(_ => CoreSchema.Resolve(Scalar())).Where(value => value.Kind != ScalarKind.Null);
                return new EnumType([.. values.DefaultIfEmpty(ScalarValue.Of("x"))]);
            case 5: return new SecretType();
            case 6: return new ListType(Type(depth - 1), Limit(2), Limit(4), Chance(3));
            default: return Object(depth);
        }
    }

    public ObjectType Object(int depth)
    {
        var properties = new SortedDictionary<string, VariableDeclaration>(StringComparer.Ordinal);
        foreach (var name in Names.Where(_ => Chance(2))) properties[name] = Property(name, depth - 1);
        return new ObjectType(properties, Chance(3) ? Type(depth - 1) : Chance(4) ? AnyType.Instance : null);
    }

    /// <summary>A value that mostly has the type.</summary>
    public YamlNode Value(VariableType type, int depth)
    {
        if (depth < 0 || Chance(12)) return Any(1);
        switch (type)
        {
            case ListType list:
                return new YamlSequence([.. Enumerable.Range(0, random.Next(4)).Select(_ => Value(list.Items, depth - 1))], At, 1);
            case ObjectType map:
                var entries = map.Properties.Values.Where(_ => !Chance(4)).Select(one => new YamlEntry(Key(one.Name), Value(one.Type, depth - 1))).ToList();
                if (Chance(4)) entries.Add(new(Key("other"), map.Additional is { } more ? Value(more, depth - 1) : Any(0)));
                return new YamlMapping([.. entries.OrderBy(_ => random.Next())], At, 1);
            case SecretType: return new YamlMapping([new(Key("secret"), new YamlScalar(Pick(Texts), Chance(4), At))], At, 1);
            case EnumType closed: return Chance(3) ? Scalar() : new YamlScalar(closed.Values[0].Text, closed.Values[0].Kind != ScalarKind.String, At);
            case StringType: return new YamlScalar(Pick(Texts), false, At);
            case BooleanType: return new YamlScalar(Chance(2) ? "true" : "false", true, At);
            default: return new YamlScalar(Pick(Plain[..7]), true, At);
        }
    }

    private VariableDeclaration Property(string name, int depth)
    {
        var type = Type(depth);
        var value = Chance(3) ? null : new VariableValue(Value(type, depth));
        if (value?.As(type) is null) value = null;
        return new(name, type, value, value is null && Chance(3), null, At);
    }

    private YamlNode Any(int depth) => random.Next(depth > 0 ? 4 : 2) switch
    {
        2 => new YamlSequence([.. Enumerable.Range(0, random.Next(3)).Select(_ => Any(depth - 1))], At, 1),
        3 => new YamlMapping([.. Names.Where(_ => Chance(2)).Select(name => new YamlEntry(Key(name), Any(depth - 1)))], At, 1),
        _ => Scalar(),
    };

    private YamlScalar Scalar() => Chance(2) ? new(Pick(Texts), false, At) : new(Pick(Plain), true, At);

    private static YamlScalar Key(string name) => new(name, false, At);

    private int? Limit(int below) => Chance(2) ? random.Next(below) : null;

    private bool Chance(int of) => random.Next(of) == 0;

    private string Pick(string[] from) => from[random.Next(from.Length)];
}
