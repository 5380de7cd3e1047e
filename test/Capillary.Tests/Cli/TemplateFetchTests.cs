using System.Net;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary>Template repositories that are fetched: by URL, over HTTP, bare ones; and versions that went after they were fetched.</summary>
public sealed class TemplateFetchTests : IDisposable
{
    private readonly DirectoryInfo cache = Directory.CreateTempSubdirectory("capillary-cache-");
    private readonly string? before = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");

    public TemplateFetchTests() => Environment.SetEnvironmentVariable("XDG_CACHE_HOME", cache.FullName);

    [Theory]
    [InlineData("file")]
    [InlineData("bare")]
    [InlineData("http")]
    public async Task Any_place_that_git_can_fetch_from_is_one(string kind)
    {
        using var world = new TemplateWorld();
        var bare = Bare(world);
        using var server = new Server(bare);
        var repository = kind switch { "file" => $"file://{world.Template}", "bare" => bare, _ => server.Url };
        var lab = world.Path("lab");
        await world.OkAsync("new", repository, lab, "--to", "1.0", "--set", "site=x");
        Assert.Contains($"repository: {repository}", world.Text("lab/.capillary-template.yaml").Replace("\"", "", StringComparison.Ordinal), StringComparison.Ordinal);
        world.Fleet.Commit("lab");
        Assert.EndsWith("1 instance, 1 behind\n", await world.OkAsync("status", world.Fleet.Work), StringComparison.Ordinal);
        // A release that came after the first fetch.
        world.Templates.Commit("three");
        world.Templates.Git("tag", "1.2");
        world.Templates.Git("push", "--quiet", bare, "1.2");
        world.Templates.Git("--git-dir", bare, "update-server-info");
        Assert.Contains("to 1.2", await world.OkAsync("upgrade", lab), StringComparison.Ordinal);
        Assert.Contains("cache off", world.Text("lab/etc/x.conf"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_that_vanished_after_the_fetch_is_still_a_base_where_it_was_fetched_and_told_elsewhere()
    {
        using var world = new TemplateWorld();
        var lab = world.Path("lab");
        await world.OkAsync("new", $"file://{world.Template}", lab, "--to", "1.0", "--set", "site=x");
        world.Fleet.Write("lab/etc/x.conf", world.Text("lab/etc/x.conf").Replace("listen 80", "listen 8080", StringComparison.Ordinal));
        world.Fleet.Commit("lab");
        // The template's history is written anew, without 1.0.
        world.Templates.Git("checkout", "--quiet", "--orphan", "new");
        world.Templates.Commit("all in one");
        world.Templates.Git("tag", "-d", "1.0", "1.1");
        world.Templates.Git("tag", "1.2");
        world.Templates.Git("branch", "-D", "main");
        await world.FailsAsync("there is no version '1.0'", "new", $"file://{world.Template}", world.Path("other"), "--to", "1.0", "--set", "site=x");
        Assert.Contains("listen 8080", await UpgradedAsync(), StringComparison.Ordinal);
        world.Fleet.Git("checkout", "--quiet", ".");
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", Path.Combine(cache.FullName, "another-machine"));
        await world.FailsAsync("version 1.0 (commit", "upgrade", lab);
        await world.FailsAsync("1 of which nobody can say: lab", "status", world.Fleet.Work);

        async Task<string> UpgradedAsync()
        {
            await world.OkAsync("upgrade", lab);
            return world.Text("lab/etc/x.conf");
        }
    }

    [Fact]
    public async Task Without_its_server_what_was_fetched_before_is_used_and_told()
    {
        using var world = new TemplateWorld();
        var bare = Bare(world);
        var lab = world.Path("lab");
        string url;
        using (var server = new Server(bare))
        {
            url = server.Url;
            await world.OkAsync("new", url, lab, "--to", "1.0", "--set", "site=x");
        }
        var run = await TemplateWorld.RunAsync(["template", "upgrade", lab]);
        Assert.Equal(0, run.Code);
        Assert.Contains($"{url} cannot be fetched", run.Error, StringComparison.Ordinal);
        await world.FailsAsync("http://127.0.0.1:9/never cannot be fetched", "new", "http://127.0.0.1:9/never", world.Path("other"));
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", before);
        cache.Delete(recursive: true);
    }

    private string Bare(TemplateWorld world)
    {
        var bare = Path.Combine(cache.FullName, "bare.git");
        world.Templates.Git("clone", "--quiet", "--bare", ".", bare);
        world.Templates.Git("--git-dir", bare, "update-server-info");
        return bare;
    }

    /// <summary>Serves a bare repository's files, which is all that git needs.</summary>
    private sealed class Server : IDisposable
    {
        private readonly HttpListener listener = new();
        private readonly Task work;

        public Server(string folder)
        {
            using (var free = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                Url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/lab.git";
            }
            listener.Prefixes.Add(new Uri(Url).GetLeftPart(UriPartial.Authority) + "/");
            listener.Start();
            work = Task.Run(async () =>
            {
                while (true)
                {
                    var context = await listener.GetContextAsync();
                    var file = Path.Combine(folder, context.Request.Url!.AbsolutePath["/lab.git/".Length..]);
                    context.Response.StatusCode = File.Exists(file) ? 200 : 404;
                    if (File.Exists(file)) await context.Response.OutputStream.WriteAsync(await File.ReadAllBytesAsync(file));
                    context.Response.Close();
                }
            });
        }

        public string Url { get; }

        public void Dispose()
        {
            listener.Close();
            Task.WaitAny(work);
        }
    }
}
