using System.Net.Sockets;
using System.Text;
using InstrumentGateway.Hl7;
using InstrumentGateway.Mllp;

namespace InstrumentGateway.Commands;

/// <summary>An MLLP sender for a demo or a technician: prints the acknowledgement, and succeeds on AA or CA only.</summary>
internal static class SendCommand
{
    public static async Task<int> RunAsync(Arguments.Send arguments, TextWriter output, TextWriter error, CancellationToken stop)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(arguments.Timeout);
            var content = Segments(await File.ReadAllBytesAsync(arguments.File, stop));
            var answer = await MllpClient.SendAsync(arguments.Host, arguments.Port, content, patience.Token);
            var text = Encoding.Latin1.GetString(answer);
            await output.WriteAsync(text.TrimEnd('\r').Replace('\r', '\n') + "\n");
            return Code(text) is "AA" or "CA" ? 0 : 1;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            await error.WriteLineAsync($"instrument-gateway: no acknowledgement within {arguments.Timeout.TotalSeconds} s");
            return 1;
        }
        catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"instrument-gateway: {e.Message}");
            return 1;
        }
    }

    // An editor ends lines with LF; a segment ends with CR.
    private static byte[] Segments(byte[] file)
    {
        var text = Encoding.Latin1.GetString(file).ReplaceLineEndings("\r").TrimEnd('\r');
        return Encoding.Latin1.GetBytes(text + "\r");
    }

    private static string Code(string answer)
    {
        if (MessageHeader.Read(Encoding.Latin1.GetBytes(answer)) is not { } header)
            return "";
        var msa = answer.Split('\r').FirstOrDefault(line => line.StartsWith($"MSA{header.Separators.Field}", StringComparison.Ordinal));
        return msa is null ? "" : new Segment(msa, header.Separators).Field(1);
    }
}
