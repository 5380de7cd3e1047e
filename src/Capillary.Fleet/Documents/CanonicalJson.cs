using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Capillary.Fleet.Documents;

/// <summary>
/// Objects as bytes: UTF-8, members in ordinal order, no white space, integers as integers, other numbers in their shortest form.
/// The same YAML value gives the same bytes on every machine.
/// </summary>
internal static class CanonicalJson
{
    private const int UsualLength = 512;
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>The bytes of one node.</summary>
    public static byte[] Write(YamlNode node)
    {
        var buffer = new ArrayBufferWriter<byte>(UsualLength);
        using var json = new Utf8JsonWriter(buffer, Options);
        Value(json, node);
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The same as text.</summary>
    public static string Text(YamlNode node) => Encoding.UTF8.GetString(Write(node));

    private static void Value(Utf8JsonWriter json, YamlNode node)
    {
        switch (node)
        {
            case YamlMapping mapping:
                Object(json, mapping);
                break;
            case YamlSequence sequence:
                json.WriteStartArray();
                foreach (var item in sequence.Items) Value(json, item);
                json.WriteEndArray();
                break;
            case YamlScalar scalar:
                Scalar(json, CoreSchema.Resolve(scalar));
                break;
        }
    }

    private static void Object(Utf8JsonWriter json, YamlMapping mapping)
    {
        json.WriteStartObject();
        var entries = mapping.Entries.ToArray();
        Array.Sort(entries, static (left, right) => string.CompareOrdinal(left.Key.Text, right.Key.Text));
        foreach (var (key, value) in entries)
        {
            json.WritePropertyName(key.Text);
            Value(json, value);
        }
        json.WriteEndObject();
    }

    private static void Scalar(Utf8JsonWriter json, ScalarValue value)
    {
        switch (value.Kind)
        {
            case ScalarKind.Null: json.WriteNullValue(); break;
            case ScalarKind.Boolean: json.WriteBooleanValue(value.Text == "true"); break;
            case ScalarKind.Integer: json.WriteRawValue(value.Text, skipInputValidation: true); break;
            case ScalarKind.Number: json.WriteNumberValue(double.Parse(value.Text, CultureInfo.InvariantCulture)); break;
            default: json.WriteStringValue(value.Text); break;
        }
    }
}
