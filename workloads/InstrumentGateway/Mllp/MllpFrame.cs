namespace InstrumentGateway.Mllp;

/// <summary>Puts content between the block characters.</summary>
internal static class MllpFrame
{
    public static byte[] Around(ReadOnlySpan<byte> content) =>
        [MllpFramer.StartBlock, .. content, MllpFramer.EndBlock, MllpFramer.CarriageReturn];
}
