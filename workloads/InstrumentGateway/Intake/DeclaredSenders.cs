using InstrumentGateway.Configuration;
using InstrumentGateway.Hl7;

namespace InstrumentGateway.Intake;

/// <summary>Who may send to this gateway. With no instrument declared, everyone may.</summary>
internal sealed class DeclaredSenders(IReadOnlyList<InstrumentConfig> instruments)
{
    public bool May(Hl7Message message, string listener) =>
        instruments.Count == 0 || instruments.Any(i =>
            i.SendingApplication == message.SendingApplication
            && (i.SendingFacility ?? message.SendingFacility) == message.SendingFacility
            && (i.Listener ?? listener) == listener);
}
