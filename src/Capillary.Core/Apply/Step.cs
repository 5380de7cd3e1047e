using System.Collections.Immutable;
using Capillary.Core.Bundles;

namespace Capillary.Core.Apply;

/// <summary>
/// One act of apply. It leaves no choice to the host, and doing it twice is doing it once: after a crash the host may get it again.
/// </summary>
public abstract partial record Step
{
    private Step() { }

    /// <summary>
    /// Bring the content of all these files onto the disks that will hold them, out of sight. Changes nothing that anybody sees, so a
    /// full disk or a forbidden path costs nothing. Done with: an owned object per file that was not ours (with
    /// <see cref="OwnedObject.Original"/> telling whether a foreign file stands there), and one per folder that will have to be made.
    /// </summary>
    public sealed record Stage(Digest Bundle, ImmutableArray<DesiredFile> Files) : Step;

    /// <summary>Stop a service for good. Done with nothing.</summary>
    public sealed record RemoveService(OwnedObject Owned) : Step;

    /// <summary>Remove a file of ours; the original, if one is kept, comes back. Done with nothing.</summary>
    public sealed record RemoveFile(OwnedObject Owned) : Step;

    /// <summary>Remove a folder of ours if it is empty. Done with nothing.</summary>
    public sealed record RemoveFolder(OwnedObject Owned) : Step;

    /// <summary>Move a staged file into place, atomically. Done with the file as owned.</summary>
    public sealed record WriteFile(DesiredFile File, bool Original) : Step;

    /// <summary>Run this service; one that runs with another specification is stopped first. Done with the service as owned.</summary>
    public sealed record StartService(DesiredService Service) : Step;
}
