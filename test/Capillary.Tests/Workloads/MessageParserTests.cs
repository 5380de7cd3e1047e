using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InstrumentGateway.Hl7;
using Xunit;

namespace Capillary.Tests.Workloads;

public sealed class MessageParserTests
{
    private static readonly string Whole = Sender.Oru("1");

    [Fact]
    public void Random_bytes_never_throw() => Prop.ForAll<byte[]>(bytes => Survives(bytes ?? [])).QuickCheckThrowOnFailure();

    [Fact]
    public void A_broken_message_never_throws()
    {
        var random = new System.Random(20261120);
        for (var i = 0; i < 5000; i++)
        {
            var bytes = Sender.Bytes(Whole);
            for (var n = random.Next(1, 6); n > 0; n--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            Assert.True(Survives(bytes[..random.Next(bytes.Length + 1)]));
        }
    }

    [Theory]
    [InlineData(@"a\F\b\S\c\T\d\R\e\E\f", @"a|b^c&d~e\f")]
    [InlineData(@"\H\bold\N\ \X41E9\", "bold Aé")]
    [InlineData(@"one\.br\two", "one\ntwo")]
    [InlineData(@"\Z9\ \X4\ \", @"\Z9\ \X4\ \")]
    public void Escapes_are_resolved_for_display(string raw, string shown) =>
        Assert.Equal(shown, Escapes.Resolve(raw, Separators.Standard));

    [Fact]
    public void Other_separators_are_taken_from_the_header()
    {
        var message = Parse("MSH#*!?%#APP#LAB###1##ORU*R01#7#P#2.4\nOBR#1\nOBX#1#ST#A*Alpha##x?F?y\n");
        var result = Assert.Single(LabResults.Of(message, default, "main"));
        Assert.Equal(("A", "Alpha", "x#y"), (result.Test, result.TestName, result.Value));
    }

    [Theory]
    [InlineData("UNICODE UTF-8", "utf-8", "Zoë")]
    [InlineData("8859/1", "latin1", "Zoë")]
    [InlineData("", "utf-8", "Zoë")]
    [InlineData("", "latin1", "Zoë")]
    public void Character_sets_are_read(string declared, string sent, string shown)
    {
        var text = $"MSH|^~\\&|A|F|||1||ORU^R01|7|P|2.5.1||||||{declared}\rOBR|1\rOBX|1|ST|N||Zoë\r";
        var parsed = Assert.IsType<Parsed.Good>(MessageParser.Parse(Encoding.GetEncoding(sent).GetBytes(text)));
        Assert.Equal(shown, LabResults.Of(parsed.Message, default, "main").Single().Value);
    }

    [Theory]
    [InlineData("20261120081402+0100", "2026-11-20 08:14:02 +0100")]
    [InlineData("202611200814", "2026-11-20 08:14")]
    [InlineData("20261120", "2026-11-20")]
    [InlineData("soon", "soon")]
    public void Times_are_shown_for_a_reader(string hl7, string shown) => Assert.Equal(shown, LabResults.Time(hl7));

    private static Hl7Message Parse(string message) => Assert.IsType<Parsed.Good>(MessageParser.Parse(Sender.Bytes(message))).Message;

    private static bool Survives(byte[] bytes)
    {
        var parsed = MessageParser.Parse(bytes);
        var fault = (parsed as Parsed.Bad)?.Fault;
        if (parsed is Parsed.Good good)
            _ = LabResults.Of(good.Message, default, "main").ToList();
        // An acknowledgement can be built for anything, and never holds a byte that would end its block early.
        var ack = Acknowledgement.Build(parsed.Header, fault, "1", DateTimeOffset.UnixEpoch);
        return ack.AsSpan().IndexOf("\rMSA"u8) > 0 && ack.All(b => b is >= 0x20 or (byte)'\r');
    }
}
