using System.Collections.Concurrent;
using Capillary.Core.Protocol;
using Capillary.Node.Links;

namespace Capillary.Node.Parent;

/// <summary>
/// Ends sessions that are dead: silent for <see cref="LinkProtocol.DeadAfter"/>, a write that got nowhere for as long, or no hello in time.
/// One look a second at all of them, as a timer for each would cost each child memory.
/// </summary>
internal sealed class SessionWatch(TimeSpan helloWithin, TimeProvider time)
{
    private readonly ConcurrentDictionary<Watched, bool> sessions = new();

    /// <summary>Watches a session until <see cref="End"/>.</summary>
    /// <param name="frames">Its stream.</param>
    /// <param name="silent">Ends a session of which nothing is heard.</param>
    /// <param name="stalled">Ends one whose peer takes nothing any more: its connection too, which would hold what was written.</param>
    public Watched Begin(FrameStream frames, Action silent, Action stalled)
    {
        var watched = new Watched(frames, silent, stalled, time.GetTimestamp());
        sessions[watched] = true;
        return watched;
    }

    public void End(Watched watched) => sessions.TryRemove(watched, out _);

    /// <summary>Call about once a second.</summary>
    public void Look()
    {
        var now = time.GetTimestamp();
        foreach (var (watched, _) in sessions)
        {
            if (watched.HasStalled(now, time)) watched.Stalled();
            else if (watched.IsSilent(now, helloWithin, time)) watched.Silent();
        }
    }

    internal sealed class Watched(FrameStream frames, Action silent, Action stalled, long begun)
    {
        private readonly long begunAt = begun;
        private long heardAt = begun;
        private long movedAt = begun;
        private long moved;
        private volatile bool joined;

        public Action Silent => silent;

        public Action Stalled => stalled;

        public void Joined() => joined = true;

        public void Heard(long now) => Volatile.Write(ref heardAt, now);

        public bool IsSilent(long now, TimeSpan helloWithin, TimeProvider time) =>
            time.GetElapsedTime(Volatile.Read(ref heardAt), now) > LinkProtocol.DeadAfter
            || (!joined && time.GetElapsedTime(begunAt, now) > helloWithin);

        public bool HasStalled(long now, TimeProvider time)
        {
            // The peer is slow, not dead, as long as it takes a piece now and then.
            if (!frames.IsWriting || frames.Written != moved) (moved, movedAt) = (frames.Written, now);
            return time.GetElapsedTime(movedAt, now) > LinkProtocol.DeadAfter;
        }
    }
}
