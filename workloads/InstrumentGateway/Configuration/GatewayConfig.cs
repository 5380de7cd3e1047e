using System.Text.Json;
using System.Text.Json.Serialization;

namespace InstrumentGateway.Configuration;

/// <summary>The configuration file, as rendered for one site. Parameters without a default are required keys.</summary>
internal sealed record GatewayConfig(
    FacilityConfig Facility,
    HttpConfig Http,
    IReadOnlyList<ListenerConfig> Listeners,
    string DataDirectory,
    IReadOnlyList<InstrumentConfig>? Instruments = null);

/// <summary>Who runs this gateway; shown on the page and in /healthz.</summary>
internal sealed record FacilityConfig(string Name, string? Oid = null);

/// <summary>Where the page, /healthz and /metrics are served. Port 0 takes a free port (it is printed at start).</summary>
internal sealed record HttpConfig(string Address, int Port);

/// <summary>One MLLP port. <c>MaxConnections</c> 1..1024, <c>IdleSeconds</c> 1..86400.</summary>
internal sealed record ListenerConfig(string Name, string Address, int Port, int MaxConnections = 16, int IdleSeconds = 600);

/// <summary>A declared sender: MSH-3, and MSH-4 and the listener where given. With none declared, every sender is taken.</summary>
internal sealed record InstrumentConfig(string Id, string SendingApplication, string? SendingFacility = null, string? Listener = null);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(GatewayConfig))]
internal sealed partial class ConfigJson : JsonSerializerContext;
