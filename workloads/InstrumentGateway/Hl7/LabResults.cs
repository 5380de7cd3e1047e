using System.Globalization;

namespace InstrumentGateway.Hl7;

/// <summary>Takes the observations out of a message: PID is passed over, OBR gives the order, OBX the result, SPM the specimen.</summary>
internal static class LabResults
{
    private const int MaxShown = 256;

    public static IEnumerable<LabResult> Of(Hl7Message message, DateTimeOffset receivedAt, string listener)
    {
        Segment? order = null, specimen = null;
        for (var i = 0; i < message.Segments.Count; i++)
        {
            var segment = message.Segments[i];
            if (segment.Name == "SPM")
                (specimen, order) = (segment, message.Header.Type == "OUL" ? null : order);
            else if (segment.Name == "OBR")
                (order, specimen) = (segment, message.Header.Type == "OUL" ? specimen : FollowingSpecimen(message, i));
            else if (segment.Name == "OBX" && order is not null)
                yield return Result(message, order, specimen, segment, receivedAt, listener);
        }
    }

    // In ORU^R01 the specimen comes after the results of its order; in OUL^R22 it comes before.
    private static Segment? FollowingSpecimen(Hl7Message message, int order) =>
        message.Segments.Skip(order + 1).TakeWhile(s => s.Name != "OBR").FirstOrDefault(s => s.Name == "SPM");

    private static LabResult Result(
        Hl7Message message, Segment order, Segment? specimen, Segment obx, DateTimeOffset receivedAt, string listener) => new(
            receivedAt,
            listener,
            Cut(message.SendingApplication),
            Cut(message.ControlId),
            Cut(First(specimen?.Text(2), specimen?.Text(2, 2), order.Text(3), order.Text(2))),
            Cut(First(order.Text(4), order.Text(4, 2))),
            Cut(First(obx.Text(3), obx.Text(3, 2))),
            Cut(First(obx.Text(3, 2), obx.Text(3))),
            Cut(Value(obx)),
            Cut(obx.Text(6)),
            Cut(string.Join(' ', obx.Repetitions(8).Select(f => obx.Display(f)))),
            Cut(obx.Text(11)),
            Time(First(obx.Text(19), obx.Text(14), order.Text(22), order.Text(7))));

    private static string Value(Segment obx) => obx.Field(2) switch
    {
        "ED" or "RP" => "(attachment)",
        "SN" => string.Concat(Enumerable.Range(1, 4).Select(i => obx.Text(5, i))),
        "CE" or "CWE" or "CNE" => First(obx.Text(5, 2), obx.Text(5)),
        _ => string.Join(", ", obx.Repetitions(5).Select(v => obx.Display(v))),
    };

    /// <summary>An HL7 timestamp for a reader; what is not one stays as it was sent.</summary>
    internal static string Time(string hl7)
    {
        var zone = hl7.IndexOfAny(['+', '-']);
        var local = (zone < 0 ? hl7 : hl7[..zone]).Split('.')[0];
        var format = local.Length switch { 8 => "yyyyMMdd", 12 => "yyyyMMddHHmm", 14 => "yyyyMMddHHmmss", _ => null };
        if (format is null || !DateTime.TryParseExact(local, format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            return Cut(hl7);
        var shown = time.ToString(local.Length switch { 8 => "yyyy-MM-dd", 12 => "yyyy-MM-dd HH:mm", _ => "yyyy-MM-dd HH:mm:ss" });
        return zone < 0 ? shown : Cut($"{shown} {hl7[zone..]}");
    }

    private static string First(params string?[] candidates) => candidates.FirstOrDefault(c => !string.IsNullOrEmpty(c)) ?? "";

    private static string Cut(string text) => text.Length <= MaxShown ? text : text[..MaxShown] + "…";
}
