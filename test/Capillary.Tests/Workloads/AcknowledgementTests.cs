using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using InstrumentGateway.Hl7;
using Xunit;

namespace Capillary.Tests.Workloads;

/// <summary>
/// Golden/*.hl7 are messages, one segment a line; NAME.ack beside it is the whole acknowledgement, NAME.results what the
/// page shows. To write them anew: GOLDEN=write.
/// </summary>
public sealed class AcknowledgementTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 8, 15, 31, TimeSpan.Zero);
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static TheoryData<string> Messages =>
        [.. Directory.EnumerateFiles(Folder(), "*.hl7").Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Messages))]
    public void The_acknowledgement_and_the_results_are_the_golden_ones(string name)
    {
        var content = Sender.Bytes(File.ReadAllText(Path.Combine(Folder(), $"{name}.hl7"), Encoding.Latin1));
        var parsed = MessageParser.Parse(content);
        var ack = Acknowledgement.Build(parsed.Header, (parsed as Parsed.Bad)?.Fault, "20261120081531000001", Now);
        Golden($"{name}.ack", Encoding.Latin1.GetString(ack).Replace('\r', '\n'));
        if (parsed is Parsed.Good good)
            Golden($"{name}.results", JsonSerializer.Serialize(LabResults.Of(good.Message, Now, "main"), Readable) + "\n");
    }

    private static void Golden(string name, string actual)
    {
        var file = Path.Combine(Folder(), name);
        if (Environment.GetEnvironmentVariable("GOLDEN") == "write")
            File.WriteAllText(file, actual);
        Assert.Equal(File.ReadAllText(file), actual);
    }

    private static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Golden");
}
