using System.Text;
using InstrumentGateway.Configuration;
using Xunit;

namespace Capillary.Tests.Workloads;

public sealed class GatewayConfigTests
{
    private const string Good = """
        {
          "facility": { "name": "Basel laboratory 1", "oid": "2.16.756.5.30" },
          "http": { "address": "127.0.0.1", "port": 8080 },
          "listeners": [{ "name": "main", "address": "0.0.0.0", "port": 2575, "idleSeconds": 60 }],
          "instruments": [{ "id": "a", "sendingApplication": "A", "listener": "main" }],
          "dataDirectory": "/var/lib/gateway"
        }
        """;

    [Fact]
    public void A_good_file_is_read_with_its_defaults()
    {
        var config = Read(Good).Config!;
        Assert.Equal(new ListenerConfig("main", "0.0.0.0", 2575, 16, 60), config.Listeners[0]);
        Assert.Equal("2.16.756.5.30", config.Facility.Oid);
        Assert.Equal("main", config.Instruments![0].Listener);
    }

    [Fact]
    public void Every_problem_is_shown_at_once_with_its_place()
    {
        var wrong = Good
            .Replace("\"name\": \"Basel laboratory 1\"", "\"nmae\": \"x\"")
            .Replace("8080", "\"8080\"")
            .Replace("\"idleSeconds\": 60", "\"idleSeconds\": 0, \"maxConection\": 4")
            .Replace("\"listener\": \"main\"", "\"listener\": \"mian\"");
        Assert.Equal(
            [
                "gw.json:2:15: $.facility: missing key 'name'",
                "gw.json:2:25: $.facility.nmae: unknown key 'nmae'; did you mean 'name'?",
                "gw.json:3:45: $.http.port: must be a whole number",
                "gw.json:4:86: $.listeners[0].idleSeconds: must be from 1 to 86400, not 0",
                "gw.json:4:105: $.listeners[0].maxConection: unknown key 'maxConection'; did you mean 'maxConnections'?",
                "gw.json:5:71: $.instruments[0].listener: there is no listener 'mian'; did you mean 'main'?",
            ],
            Read(wrong).Problems.Select(p => p.ToString()));
    }

    [Theory]
    [InlineData("{\"a\":}", "not JSON")]
    [InlineData("", "not JSON")]
    [InlineData("[]", "must be an object")]
    [InlineData("null", "must be an object")]
    [InlineData("{} {}", "not JSON")]
    public void What_is_not_a_configuration_is_said(string json, string problem) =>
        Assert.Contains(Read(json).Problems, p => p.Message.StartsWith(problem, StringComparison.Ordinal));

    [Theory]
    [InlineData("\"port\": 2575", "\"port\": 8080, \"address\": \"127.0.0.1\"", "is given twice")]
    [InlineData("\"address\": \"0.0.0.0\", \"port\": 2575", "\"address\": \"127.0.0.1\", \"port\": 8080", "already used by $.http")]
    [InlineData("\"name\": \"main\"", "\"name\": \"Main Hall\"", "a-z, 0-9")]
    [InlineData("0.0.0.0", "localhost", "is not an IP address")]
    [InlineData("\"/var/lib/gateway\"", "\" \"", "must not be empty")]
    [InlineData("\"/var/lib/gateway\"", "null", "must be a string")]
    public void Each_rule_has_its_words(string from, string to, string problem) =>
        Assert.Contains(Read(Good.Replace(from, to)).Problems, p => p.Message.Contains(problem, StringComparison.Ordinal));

    private static ConfigResult Read(string json) => ConfigReader.Read("gw.json", Encoding.UTF8.GetBytes(json));
}
