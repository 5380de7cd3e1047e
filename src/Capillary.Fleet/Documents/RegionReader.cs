using System.Buffers;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Documents;

/// <summary>Reads what stands in <c>regions/NAME.yaml</c>, and the enrollment policy that the fleet has too.</summary>
internal static class RegionReader
{
    public const int MaxAddressLength = 260;
    public static readonly string[] WhoDecides = ["automatic", "manual"];

    private static readonly SearchValues<char> HostCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

    public static RegionDocument Read(DocumentHead head, FieldReader spec) =>
        new(head, spec.Text("residency")?.Value, VariableReader.Settings(spec))
        {
            Addresses = Addresses(spec),
            Enrollment = Enrollment(spec),
            TimeZone = spec.TimeZone("timeZone"),
        };

    public static EnrollmentPolicy Enrollment(FieldReader spec)
    {
        if (spec.Child("enrollment") is not { } fields) return EnrollmentPolicy.Unset;
        var approval = fields.OneOf("approval", WhoDecides);
        var moves = fields.OneOf("moves", WhoDecides);
        fields.RejectUnknown();
        return new(approval is { } who ? who.Value == "manual" : null, moves is { } how ? how.Value == "automatic" : null);
    }

    private static List<string> Addresses(FieldReader spec)
    {
        var addresses = new List<string>();
        foreach (var node in spec.List("addresses"))
        {
            if (spec.AsText(node, spec.PathOf("addresses")) is not { } text) continue;
            if (!IsAddress(text.Value))
                spec.Bag.Error(DiagnosticCodes.NotAllowed, text.At, $"{spec.PathOf("addresses")}: '{text.Value}' is not an address",
                    "write HOST:PORT, such as eu.example.org:443 or [2001:db8::1]:443");
            else if (addresses.Contains(text.Value, StringComparer.Ordinal))
                spec.Bag.Error(DiagnosticCodes.DuplicateName, text.At, $"{spec.PathOf("addresses")}: '{text.Value}' stands twice");
            else if (addresses.Count == RegionDocument.MaxAddresses)
                spec.Bag.Error(DiagnosticCodes.NotAllowed, text.At,
                    $"{spec.PathOf("addresses")}: at most {RegionDocument.MaxAddresses} addresses");
            else addresses.Add(text.Value);
        }
        return addresses;
    }

    /// <summary><c>host:port</c> or <c>[v6]:port</c>; whether anybody answers there is not the compiler's to know.</summary>
    private static bool IsAddress(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 1 || text.Length > MaxAddressLength || !ushort.TryParse(text.AsSpan(colon + 1), out var port)
            || port == 0) return false;
        var host = text.AsSpan(0, colon);
        if (host[0] == '[') return host[^1] == ']' && System.Net.IPAddress.TryParse(host[1..^1], out _);
        return !host.ContainsAnyExcept(HostCharacters);
    }
}
