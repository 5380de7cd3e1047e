using System.CommandLine;
using Capillary.Cli;
using Capillary.Tests.Fleet.Templates;
using Capillary.Tests.HubNode.Git;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary>A template repository with two releases, and a fleet's repository.</summary>
internal sealed class TemplateWorld : IDisposable
{
    private const string Conf = "# {{ site }}\nlisten 80\nlog info\nlevel 1\nzone {{ site }}\ncache on\nend\n";
    private readonly TestRepository template = new();

    public TemplateWorld()
    {
        template.Write("template.yaml", TemplateFixture.Manifest("variables: {site: {type: string, required: true}}"));
        template.Write("template/etc/{{ site }}.conf", Conf);
        template.Write("template/run.sh", "#!/bin/sh\n");
        File.SetUnixFileMode(System.IO.Path.Combine(template.Work, "template/run.sh"), (UnixFileMode)0b111_101_101);
        Old = template.Commit("one");
        template.Git("tag", "1.0");
        template.Write("template/etc/{{ site }}.conf", Conf.Replace("cache on", "cache off", StringComparison.Ordinal));
        template.Commit("two");
        template.Git("tag", "1.1");
        Fleet.Git("config", "user.name", "Ada");
        Fleet.Git("config", "user.email", "ada@example.org");
    }

    public string Template => template.Work;

    public TestRepository Templates => template;

    public string Old { get; }

    public TestRepository Fleet { get; } = new();

    public string Path(string name) => System.IO.Path.Combine(Fleet.Work, name);

    public string Text(string name) => File.ReadAllText(Path(name));

    public static async Task<(int Code, string Output, string Error)> RunAsync(string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var code = await CommandRun.InvokeAsync(new RootCommand { TemplateCommand.Create() }, arguments,
            new InvocationConfiguration { Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }

    public async Task<string> OkAsync(params string[] arguments)
    {
        var run = await RunAsync(["template", .. arguments]);
        Assert.True(run.Code == 0, $"{string.Join(' ', arguments)}: {run.Code}\n{run.Output}{run.Error}");
        return run.Output;
    }

    public async Task FailsAsync(string reason, params string[] arguments)
    {
        var run = await RunAsync(["template", .. arguments]);
        Assert.Equal(1, run.Code);
        Assert.Contains(reason, run.Output + run.Error, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        template.Dispose();
        Fleet.Dispose();
    }
}
