namespace Capillary.Fleet.Templates;

/// <summary>Where an instance keeps what it was made from.</summary>
public static class InstanceFiles
{
    /// <summary>Our state file.</summary>
    public const string State = ".capillary-template.yaml";

    /// <summary>The state file of foxops, read and written as it is.</summary>
    public const string FengineState = ".fengine.yaml";

    /// <summary>A folder where a change stands while it is written.</summary>
    public const string Unfinished = ".capillary-unfinished";

    /// <summary>True for what no template may make.</summary>
    public static bool IsReserved(string path) => IsState(path) || path == Unfinished
        || path.StartsWith(Unfinished + "/", StringComparison.Ordinal);

    /// <summary>True for a state file in an instance's root.</summary>
    public static bool IsState(string path) => path is State or FengineState;
}
