using System.Text.Json.Serialization;
using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>Where a service stands.</summary>
internal enum ServicePhase
{
    /// <summary>Written before the process is made: it may exist, and then carries the mark.</summary>
    Starting,
    Running,

    /// <summary>Ended; will be started again.</summary>
    Waiting,

    /// <summary>Ended for good, as its policy says.</summary>
    Ended,

    /// <summary>Written before it is told to end.</summary>
    Stopping,
}

/// <summary>What is durable about one service: <c>services/APP.NAME.json</c>, version 1. Enough to run it without its bundle.</summary>
internal sealed record ServiceRecord
{
    public int V { get; init; } = 1;
    public required string App { get; init; }
    public required string Name { get; init; }

    /// <summary>The object's JSON as it stood in the bundle.</summary>
    public required string Spec { get; init; }
    public required string SpecDigest { get; init; }
    public ServicePhase Phase { get; init; } = ServicePhase.Waiting;

    /// <summary>True: once stopped, nothing of it stays.</summary>
    public bool Removing { get; init; }

    /// <summary>How often this specification was started.</summary>
    public int Attempt { get; init; }

    /// <summary>Names the attempt in the process's mark.</summary>
    public string Id { get; init; } = "";
    public int Pid { get; init; }
    public long Started { get; init; }
    public string Boot { get; init; } = "";

    /// <summary>Ends in a row without 60 s of running between.</summary>
    public int Failures { get; init; }
    public int? ExitCode { get; init; }

    /// <summary>True: it is a systemd unit; false: a process that the agent started itself.</summary>
    public bool IsUnit { get; init; }

    [JsonIgnore]
    public string Key => $"{App}/{Name}";

    [JsonIgnore]
    public ProcessMark Process => new(Pid, Started);

    public static ServiceRecord Of(DesiredService service) => new()
    {
        App = service.App,
        Name = service.Object.Name,
        Spec = service.Json,
        SpecDigest = service.SpecDigest.Text,
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ServiceRecord))]
internal sealed partial class HostJson : JsonSerializerContext;
