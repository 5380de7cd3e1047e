namespace Capillary.EdgeAgent.Apply;

/// <summary>A step cannot be done; becomes a condition at the loop that owns the step.</summary>
internal sealed class StepException(string code, string subject, string text, bool final) : Exception(text)
{
    public string Code { get; } = code;

    public string Subject { get; } = subject;

    /// <summary>Trying again would fail again.</summary>
    public bool Final { get; } = final;
}
