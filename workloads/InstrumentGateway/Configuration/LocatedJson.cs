using System.Text.Json;

namespace InstrumentGateway.Configuration;

/// <summary>A JSON value that knows its path, line and column: what an error message needs and JsonDocument does not keep.</summary>
internal sealed class LocatedJson(JsonTokenType kind, string path, int line, int column)
{
    public JsonTokenType Kind { get; } = kind;
    public string Path { get; } = path;
    public int Line { get; } = line;
    public int Column { get; } = column;
    public string? Text { get; private set; }
    public int? Number { get; private set; }
    public List<(string Name, LocatedJson Value)> Members { get; } = [];
    public List<LocatedJson> Items { get; } = [];

    public LocatedJson? this[string name] => Members.FirstOrDefault(m => m.Name == name).Value;

    /// <summary>Throws <see cref="JsonException"/> on a syntax error: nothing after it can be judged.</summary>
    public static LocatedJson Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        var root = ReadValue(ref reader, json, "$");
        while (reader.Read())
        {
            // Only white space may follow; the reader throws on anything else.
        }

        return root;
    }

    private static LocatedJson ReadValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, string path)
    {
        var before = json[..(int)reader.TokenStartIndex];
        var node = new LocatedJson(reader.TokenType, path, before.Count((byte)'\n') + 1, before.Length - before.LastIndexOf((byte)'\n'));
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var name = reader.GetString()!;
                    reader.Read();
                    node.Members.Add((name, ReadValue(ref reader, json, $"{path}.{name}")));
                }

                break;
            case JsonTokenType.StartArray:
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    node.Items.Add(ReadValue(ref reader, json, $"{path}[{node.Items.Count}]"));
                break;
            case JsonTokenType.String:
                node.Text = reader.GetString();
                break;
            case JsonTokenType.Number:
                node.Number = reader.TryGetInt32(out var number) ? number : null;
                break;
        }

        return node;
    }
}
