using System.Text.Json;
using System.Text.Json.Serialization;
using InstrumentGateway.Hl7;

namespace InstrumentGateway.Web;

internal sealed record HealthView(string Status, string? Reason, string Facility, string Version, IReadOnlyList<ListenerView> Listeners,
    StoreView Store);

internal sealed record ListenerView(string Name, string Endpoint, bool Bound, int Connections);

internal sealed record StoreView(bool Writable, long Bytes, int Segment, int Torn, int Damaged);

internal sealed record ResultsView(IReadOnlyList<LabResult> Results);

internal sealed record ErrorView(string Error);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthView))]
[JsonSerializable(typeof(ResultsView))]
[JsonSerializable(typeof(ErrorView))]
internal sealed partial class WebJson : JsonSerializerContext;
