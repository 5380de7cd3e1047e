using System.Runtime.InteropServices;
using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>A step cannot be done; becomes a condition at the loop that owns the step.</summary>
internal sealed class HostException(string code, string subject, string text, bool final) : Exception(text)
{
    public string Code { get; } = code;

    public string Subject { get; } = subject;

    /// <summary>Trying again would fail again.</summary>
    public bool Final { get; } = final;

    /// <summary>What the last system call said about this path.</summary>
    public static HostException Of(string act, string path, int error) => error switch
    {
        Libc.NoSpace or Libc.QuotaExceeded => new(ConditionCodes.DiskFull, path, $"cannot {act} '{path}': no space left", false),
        Libc.Loop => Link(path),
        _ => new(ConditionCodes.ApplyFailed, path, $"cannot {act} '{path}': {Marshal.GetPInvokeErrorMessage(error)}", false),
    };

    public static HostException Link(string path) =>
        new(ConditionCodes.PathNotAllowed, path, $"'{path}' is a link, and links are not followed", true);
}
