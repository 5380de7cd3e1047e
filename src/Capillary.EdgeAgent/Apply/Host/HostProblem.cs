using System.Runtime.InteropServices;
using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>What went wrong on a host, as a step tells it.</summary>
internal static class HostProblem
{
    /// <summary>What the last system call said about this path.</summary>
    public static StepException Of(string act, string path, int error) => error switch
    {
        Libc.NoSpace or Libc.QuotaExceeded => new(ConditionCodes.DiskFull, path, $"cannot {act} '{path}': no space left", false),
        Libc.Loop => Link(path),
        _ => new(ConditionCodes.ApplyFailed, path, $"cannot {act} '{path}': {Marshal.GetPInvokeErrorMessage(error)}", false),
    };

    public static StepException Link(string path) =>
        new(ConditionCodes.PathNotAllowed, path, $"'{path}' is a link, and links are not followed", true);
}
