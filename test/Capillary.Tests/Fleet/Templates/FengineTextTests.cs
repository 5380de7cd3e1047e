using System.Text;
using Capillary.Fleet.Templates;
using Xunit;
using static Capillary.Tests.Fleet.Templates.TemplateFixture;

namespace Capillary.Tests.Fleet.Templates;

/// <summary>The state of foxops is written byte for byte as foxops does, which was seen by running both; what it wrote is written here by
/// hand.</summary>
public sealed class FengineTextTests
{
    [Fact]
    public void A_state_is_what_foxops_makes_of_the_same_template()
    {
        var source = Source(("fengine.yaml", """
            variables:
              zeta: {type: string, description: z}
              port: {type: integer, description: p, default: 80}
              debug: {type: boolean, description: d, default: false}
              hosts: {type: list, element_type: string, description: h, default: [b, a]}
              users:
                type: list
                element_type: object
                description: u
                children:
                  login: {type: string, description: l}
                  admin: {type: boolean, description: a, default: true}
              net:
                type: object
                description: net
                children:
                  zone: {type: string, description: z, default: "lab: one"}
                  vlan: {type: integer, description: v, default: 7}
                  dns: {type: list, description: d, element_type: string, default: []}
              opt:
                type: object
                description: o
                children:
                  a: {type: string, description: a, default: ""}
            """), ("template/f", "x\n"));
        var made = New(source, """{zeta: "yes", port: "8080", users: [{login: ada}, {login: bob, admin: "no"}], net: {vlan: "12"}, extra: unknown}""",
            TemplateForm.Fengine);
        Assert.Equal($"""
            # This file is auto-generated and owned by foxops.
            # DO NOT EDIT MANUALLY.
            template_data:
              extra: unknown
              net:
                vlan: '12'
              port: '8080'
              users:
              - login: ada
              - admin: no
                login: bob
              zeta: yes
            template_data_full:
              _fengine_template_repository: /templates/lab-site
              _fengine_template_repository_version: '1.0'
              debug: false
              fengine:
                template:
                  repository: /templates/lab-site
                  repository_version: '1.0'
              hosts:
              - b
              - a
              net:
                dns: []
                vlan: 12
                zone: 'lab: one'
              opt:
                a: ''
              port: 8080
              users:
              - admin: true
                login: ada
              - admin: false
                login: bob
              zeta: yes
            template_repository: /templates/lab-site
            template_repository_version: '1.0'
            template_repository_version_hash: '{Commit}'

            """.Replace("\r", "", StringComparison.Ordinal), Text(made.Files[".fengine.yaml"]));
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("no", "no")] // a string in YAML 1.2
    [InlineData("true", "'true'")]
    [InlineData("~", "'~'")]
    [InlineData("", "''")]
    [InlineData("1.", "'1.'")]
    [InlineData("1e3", "'1e3'")]
    [InlineData("017", "'017'")]
    [InlineData("0x1F", "'0x1F'")]
    [InlineData("1_000", "'1_000'")]
    [InlineData("_1", "_1")]
    [InlineData("12:30", "12:30")]
    [InlineData("0.0.1", "0.0.1")]
    [InlineData("2020-01-01", "'2020-01-01'")]
    [InlineData("<<", "'<<'")]
    [InlineData("-", "'-'")]
    [InlineData("- a", "'- a'")]
    [InlineData("-a", "-a")]
    [InlineData("?a", "?a")]
    [InlineData(":a", ":a")]
    [InlineData("a: b", "'a: b'")]
    [InlineData("a:b", "a:b")]
    [InlineData("a:", "'a:'")]
    [InlineData("a #b", "'a #b'")]
    [InlineData("a#b", "a#b")]
    [InlineData(",a", "',a'")]
    [InlineData("a]", "a]")]
    [InlineData("{{ x }}", "'{{ x }}'")]
    [InlineData("a'b", "a'b")]
    [InlineData("'a", "'''a'")]
    [InlineData("---a", "'---a'")]
    [InlineData(" a", "' a'")]
    [InlineData("a ", "'a '")]
    [InlineData("é 日本", "é 日本")]
    [InlineData("a\tb", "\"a\\tb\"")]
    [InlineData("a\r\nb", "\"a\\r\\nb\"")]
    [InlineData("\U0001F600", "\"\\U0001F600\"")]
    [InlineData("\u0007\u007f\u0085\ufeff", "\"\\a\\x7F\\N\\uFEFF\"")]
    [InlineData("a\nb", "'a\n\n    b'")]
    [InlineData("a\n", "'a\n\n    '")]
    [InlineData("word word word word word word word word word word word word word word word word word",
        "word word word word word word word word word word word word word word word word\n    word")]
    [InlineData("it's: word word word word word word word word word word word word word word word",
        "'it''s: word word word word word word word word word word word word word word\n    word'")]
    [InlineData("tab\tword word word word word word word word word word word word word word word word word",
        "\"tab\\tword word word word word word word word word word word word word word word\n    word word\"")]
    public void A_string_is_in_quotes_only_where_it_needs_them(string value, string expected)
    {
        var written = Encoding.UTF8.GetString(Bytes(JinjaText(value)));
        Assert.StartsWith($"# This file is auto-generated and owned by foxops.\n# DO NOT EDIT MANUALLY.\ntemplate_data:\n  k: {expected}\n", written,
            StringComparison.Ordinal);
        var read = InstanceState.Read(".fengine.yaml", Encoding.UTF8.GetBytes(written));
        Assert.Empty(read.Problems);
        Assert.Equal(Values(JinjaText(value)).Key, read.State!.Values.Key);
    }

    [Fact]
    public void Lists_in_lists_and_other_scalars()
    {
        var written = Encoding.UTF8.GetString(Bytes("k: [[1, [2]], {a: []}, {b: {}}, {c: [1], d: 2}, 1.5, null, true]"));
        Assert.Contains("template_data:\n  k:\n  - - 1\n    - - 2\n  - a: []\n  - b: {}\n  - c:\n    - 1\n    d: 2\n  - 1.5\n  - null\n  - true\n", written,
            StringComparison.Ordinal);
    }

    private static string JinjaText(string value) => $"k: {System.Text.Json.JsonSerializer.Serialize(value)}";

    private static byte[] Bytes(string yaml) => State(yaml, form: TemplateForm.Fengine).ToBytes(JinjaNodes.Map());
}
