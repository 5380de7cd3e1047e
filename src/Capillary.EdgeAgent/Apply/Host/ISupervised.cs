using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>One service that runs here, as a process of the agent's own or as a systemd unit. All calls come from the one loop.</summary>
internal interface ISupervised
{
    /// <summary>What is durable about it.</summary>
    ServiceRecord Record { get; }

    ServiceHealth Health { get; }

    /// <summary>Stopped for good; nothing of it is left.</summary>
    bool Gone { get; }

    /// <summary>Whether exactly this specification is at work, be it well or not.</summary>
    bool Runs(DesiredService wanted);

    /// <summary>After the agent began: finds what runs already, and starts what should run and does not.</summary>
    void Recover(DateTimeOffset now);

    /// <summary>Runs this specification; what runs by another one is stopped first.</summary>
    void Want(DesiredService wanted, DateTimeOffset now);

    void Remove(DateTimeOffset now);

    /// <summary>Stops what runs, so that the other kind of supervisor can run it; <see cref="Left"/> tells when it may.</summary>
    void Leave(DateTimeOffset now);

    /// <summary>Nothing of it runs, and it is not the one to start it again.</summary>
    bool Left { get; }

    void Beat(DateTimeOffset now);

    void Rotate();

    /// <summary>Lets go without ending anything.</summary>
    void Detach();
}
