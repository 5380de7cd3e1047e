using System.Text;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Xunit;

namespace Capillary.Tests.Fleet;

/// <summary>Promise 8 for the fleet repository: input that no text case can hold gets a clear error and ends soon.</summary>
public sealed class BadInputTests
{
    [Fact]
    public void An_empty_repository_says_what_is_expected()
    {
        var error = Assert.Single(CaseFile.Compile([]).Diagnostics.Shown);
        Assert.Equal(DiagnosticCodes.EmptyRepository.Id, error.Code);
        Assert.StartsWith("(repository): error CAP0001: ", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_named_by_offset()
    {
        var tree = new FleetTree([CaseFile.FileOf("fleet.yaml", [.. "kind: Fl"u8, 0xff, 0xfe])], []);
        Assert.Contains(Errors(tree), error => error is { Code: "CAP0007", File: "fleet.yaml" }
            && error.Message.Contains("offset 8", StringComparison.Ordinal));
    }

    [Fact]
    public void A_binary_file_is_copied_and_a_binary_template_is_refused()
    {
        byte[] bytes = [0, 1, 0xff];
        var files = CaseFile.Base();
        files["apps/gateway/templates/objects.yaml"] =
            "apiVersion: capillary.dev/v1\nkind: File\nmetadata: {name: b}\nspec: {path: b, contentFrom: {file: b.bin}}\n";
        var all = CaseFile.Tree(files).Files.ToList();
        var copied = Compile(new FleetTree([.. all, CaseFile.FileOf("apps/gateway/templates/b.bin", bytes)], []));
        Assert.Equal(bytes, copied.FindSite("basel-1")!.Apps[1].Layer.Files["b.bin"].ToArray());
        var refused = Compile(new FleetTree([.. all, CaseFile.FileOf("apps/gateway/templates/b.bin.j2", bytes)], []));
        Assert.Contains(refused.Diagnostics.Shown, error => error is { Code: "CAP0007", File: "apps/gateway/templates/b.bin.j2" });
    }

    [Theory]
    [InlineData("\u0001", "CAP0101")]
    [InlineData("x: \"\\uD800\"", "CAP0101")]
    [InlineData("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        + "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n", "CAP0104")]
    [InlineData("a: &a [*a]", "CAP0108")]
    [InlineData("? {a: b}\n: c", "CAP0107")]
    [InlineData("spec: [b\nc: d\n", "CAP0101")] // the library throws what is no YamlException
    [InlineData("metadata: {name: x\nspec: {a: b}\n", "CAP0101")]
    public void Hostile_YAML_is_refused(string text, string code) => Assert.Contains(Errors(text), error => error.Code == code);

    /// <summary>Whatever a slip of a finger makes of a document, it is read or told, and nothing throws.</summary>
    [Fact]
    public void Damaged_documents_are_told()
    {
        const string Signs = "[]{}:,-?&*!|>'\"%@`# \n\t";
        var random = new Random(20261130);
        var documents = CaseFile.Base().Where(file => file.Key.EndsWith(".yaml", StringComparison.Ordinal)).ToList();
        for (var i = 0; i < 2000; i++)
        {
            var (path, text) = documents[random.Next(documents.Count)];
            for (var slips = random.Next(1, 4); slips > 0; slips--)
            {
                var at = random.Next(text.Length);
                var sign = Signs[random.Next(Signs.Length)].ToString();
                text = random.Next(3) switch { 0 => text.Remove(at, 1), 1 => text.Insert(at, sign), _ => text.Remove(at, 1).Insert(at, sign) };
            }
            var files = CaseFile.Base();
            files[path] = text;
            var thrown = Record.Exception(() => CaseFile.Compile(files));
            Assert.True(thrown is null, $"seed 20261130, {i}: {thrown}\n{text}");
        }
    }

    [Fact]
    public void Deep_nesting_is_refused()
    {
        Assert.Contains(Errors(new string('[', 200) + new string(']', 200)), error => error.Code == "CAP0105");
        Assert.Contains(Errors(string.Concat(Enumerable.Range(0, 200).Select(depth => new string(' ', depth) + "a:\n"))), error =>
            error.Code == "CAP0105");
        Assert.NotEmpty(Errors(new string('[', 500_000)));
    }

    [Fact]
    public void Many_nodes_are_refused() =>
        Assert.Contains(Errors(string.Concat(Enumerable.Repeat("- x\n", 150_000))), error => error.Code == "CAP0104");

    [Fact]
    public void A_byte_order_mark_and_CRLF_are_no_errors()
    {
        var files = CaseFile.Base();
        files["fleet.yaml"] = "\uFEFF" + files["fleet.yaml"].Replace("\n", "\r\n", StringComparison.Ordinal);
        Assert.Empty(CaseFile.Compile(files).Diagnostics.Shown);
    }

    [Fact]
    public void Links_submodules_sizes_and_paths_are_judged_before_anything_is_read()
    {
        TreeEntry[] entries =
        [
            new("apps/a/templates/big.yaml", TreeEntryKind.File, "1", TreeRules.MaxTextBytes + 1),
            new("docs/link", TreeEntryKind.SymbolicLink, "2", 3),
            new("sites/eu", TreeEntryKind.Submodule, "3", 0),
            new("groups/a\nb.yaml", TreeEntryKind.File, "4", 3),
            new("apps/a/program", TreeEntryKind.ExecutableFile, "5", TreeRules.MaxArtifactBytes),
            new("README.md", TreeEntryKind.File, "6", 5L << 30),
        ];
        var admission = TreeRules.Admit(entries);
        Assert.Equal(["CAP0004", "CAP0003", "CAP0003", "CAP0009"], admission.Problems.Select(problem => problem.Code));
        Assert.Equal(("apps/a/program", TreeReading.Hash), admission.Wishes.Select(wish => (wish.Entry.Path, wish.Reading)).Single());
    }

    [Fact]
    public void Too_many_files_or_bytes_refuse_the_whole_listing()
    {
        var many = Enumerable.Range(0, TreeRules.MaxFiles + 1).Select(index =>
            new TreeEntry($"groups/g{index}.yaml", TreeEntryKind.File, "x", 1));
        Assert.Equal("CAP0005", Assert.Single(TreeRules.Admit([.. many]).Problems).Code);
        var large = Enumerable.Range(0, 513).Select(index =>
            new TreeEntry($"groups/g{index}.yaml", TreeEntryKind.File, "x", TreeRules.MaxTextBytes));
        var refused = TreeRules.Admit([.. large]);
        Assert.Equal("CAP0006", Assert.Single(refused.Problems).Code);
        Assert.Empty(refused.Wishes);
    }

    [Fact]
    public void Thousands_of_errors_are_counted_and_not_all_shown()
    {
        var files = CaseFile.Base();
        for (var index = 0; index < 1500; index++) files[$"groups/g{index}.yaml"] = "kind: Nothing\n";
        var diagnostics = CaseFile.Compile(files).Diagnostics;
        Assert.Equal(DiagnosticList.MaxShown, diagnostics.Shown.Count);
        Assert.Equal(diagnostics.ErrorCount, diagnostics.Shown.Count + diagnostics.Hidden);
        Assert.Equal(diagnostics.Shown.Order(), diagnostics.Shown);
    }

    [Fact]
    public void A_template_without_end_is_stopped()
    {
        var files = CaseFile.Base();
        files["apps/gateway/templates/gateway.conf.j2"] =
            "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}";
        Assert.Contains(CaseFile.Compile(files).Diagnostics.Shown, error => error.Code == "CAP0502");
    }

    [Fact]
    public void A_value_cannot_add_an_object()
    {
        var files = CaseFile.Base();
        files["sites/eu/basel-1.yaml"] = files["sites/eu/basel-1.yaml"].Replace("Basel \\\"1\\\"", "x]\\n---\\nkind: Service\\n",
            StringComparison.Ordinal);
        files["apps/base-files/templates/{{ site.platform }}.yaml"] = "";
        var site = CaseFile.Compile(files).FindSite("basel-1")!;
        Assert.Equal(3, site.Apps[1].Layer.Objects.Count);
    }

    [Fact]
    public void Every_code_has_its_own_id_and_stands_in_the_list()
    {
        var ids = DiagnosticCodes.All.Select(code => code.Id).ToList();
        Assert.Equal(ids.Order(StringComparer.Ordinal).Distinct(), ids);
        Assert.Equal(typeof(DiagnosticCodes).GetFields().Count(field => field.FieldType == typeof(DiagnosticCode)), ids.Count);
    }

    private static IReadOnlyList<Diagnostic> Errors(string text) =>
        Errors(new FleetTree([CaseFile.FileOf("fleet.yaml", Encoding.UTF8.GetBytes(text))], []));

    private static IReadOnlyList<Diagnostic> Errors(FleetTree tree) => Compile(tree).Diagnostics.Shown;

    private static FleetCompilation Compile(FleetTree tree) => FleetCompiler.Compile(tree, null, FleetCompiler.Sequential, default);
}
