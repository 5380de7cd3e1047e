using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Capillary.Core.Trust;
using Capillary.EdgeAgent.Interlock;
using Capillary.Tests.EdgeAgent.Carry;
using Capillary.Tests.HubNode;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Interlock;

/// <summary>The interlock by hand: real agent processes and the real command line.</summary>
public sealed class HoldCommandTests : IAsyncLifetime
{
    private const string Site = "a";
    private readonly StickFleet fleet = new();

    private string Home => fleet.HomeOf(Site);

    public async Task InitializeAsync()
    {
        fleet.Join(Site);
        await fleet.CommitAsync("c1", "one", Site);
    }

    [Fact]
    public async Task Promise2_What_is_held_waits_over_a_killed_agent_until_it_is_taken_back()
    {
        await fleet.StartAsync(Site);
        await fleet.ExportAsync(Site);
        Assert.Equal(0, (await fleet.ImportAsync(Site)).Code);
        var (code, output, error) = await EdgeAsync("hold", "--reason", "run in progress", "--name", "run", "--max", "2h");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("(max 2 h): run in progress\nno update begins here until: capillary-edge unhold --name run", output, StringComparison.Ordinal);
        await fleet.CommitAsync("c2", "two", Site);
        await fleet.ExportAsync(Site);
        Assert.Equal(0, (await fleet.ImportAsync(Site, isWaiting: false)).Code);
        await HeldAsync();
        Assert.Equal("one", Applied());
        await fleet.EndAsync(Site);
        Assert.Contains("the agent does not run and was told nothing", (await EdgeAsync("holds")).Error, StringComparison.Ordinal);
        await fleet.StartAsync(Site);
        await HeldAsync();
        Assert.Equal("one", Applied());
        Assert.Contains("info      Held: hold 'run' since ", (await EdgeAsync("status")).Output, StringComparison.Ordinal);
        var list = await EdgeAsync("hold", "--list");
        Assert.Equal(0, list.Code);
        Assert.StartsWith("hold 'run' since ", list.Output, StringComparison.Ordinal);
        Assert.Contains("\nan update waits until nothing holds this site", list.Output, StringComparison.Ordinal);
        Assert.Equal("run", JsonSerializer.Deserialize<JsonElement>((await EdgeAsync("holds", "-o", "json")).Output)
            .GetProperty("holds")[0].GetProperty("name").GetString());
        var unheld = await EdgeAsync("unhold", "--name", "run");
        Assert.Equal((0, "hold 'run' is over; nothing holds this site\n"), (unheld.Code, unheld.Output));
        await fleet.UntilAsync("the update", () => Applied() == "two");
        var twice = await EdgeAsync("unhold", "--name", "run");
        Assert.Equal((0, ""), (twice.Code, twice.Output));
        Assert.Contains("there is no hold 'run': it was ended before, or overridden", twice.Error, StringComparison.Ordinal);
    }

    /// <summary>By stick, for its steps can be seen one by one; over a link the same line comes by itself.</summary>
    [Fact]
    public async Task An_operators_override_goes_from_the_command_line_to_the_site_and_begins_what_was_held()
    {
        await fleet.StartAsync(Site);
        await fleet.ExportAsync(Site);
        Assert.Equal(0, (await fleet.ImportAsync(Site)).Code);
        Assert.Equal(0, (await EdgeAsync("hold", "--reason", "run in progress", "--max", "2h")).Code);
        await fleet.CommitAsync("c2", "two", Site);
        await fleet.ExportAsync(Site);
        Assert.Equal(0, (await fleet.ImportAsync(Site, isWaiting: false)).Code);
        await HeldAsync();
        await TellAsync();
        var (code, _, error) = await fleet.CliAsync("site", "override-hold", Site, "--reason", "too early");
        Assert.Equal(1, code);
        Assert.Contains("reports no hold that is past its max", error, StringComparison.Ordinal);
        await LetTimePassAsync(TimeSpan.FromHours(3));
        await HeldAsync();
        Assert.EndsWith(": run in progress [overdue]\nan update waits until nothing holds this site\n", (await EdgeAsync("holds")).Output,
            StringComparison.Ordinal);
        await TellAsync();
        var since = fleet.Hub.Cell.Value.Lines[new(Site)].Assignment.Since;
        (code, _, error) = await fleet.CliAsync("site", "override-hold", Site, "--reason", "the lab was asked by telephone");
        Assert.Equal((0, ""), (code, error));
        await fleet.UntilAsync("the line anew", () => fleet.Hub.Cell.Value.Lines[new(Site)].Assignment.Since > since);
        await fleet.ExportAsync(Site);
        Assert.Equal(0, (await fleet.ImportAsync(Site)).Code);
        Assert.Equal("two", Applied());
        Assert.Equal("nothing holds this site\n", (await EdgeAsync("holds")).Output);
    }

    [Fact]
    public async Task Promise8_What_cannot_be_held_is_said_in_words()
    {
        var (code, _, error) = await EdgeAsync("hold", "--reason", "r");
        Assert.Equal(1, code);
        Assert.Contains("the agent does not run and was told nothing; start it, then say it again", error, StringComparison.Ordinal);
        Assert.Equal(2, (await EdgeAsync("hold")).Code);
        Assert.Contains("'hold' needs --reason TEXT", (await EdgeAsync("hold")).Error, StringComparison.Ordinal);
        Assert.Contains("'hold' takes no 'run'; a reason is one text", (await EdgeAsync("hold", "run")).Error, StringComparison.Ordinal);
        await fleet.StartAsync(Site);
        await fleet.UntilAsync("the socket", () => File.Exists(HoldFolder.SocketOf(Home)));
        (code, _, error) = await EdgeAsync("hold", "--reason", "r", "--name", "NO");
        Assert.Equal(1, code);
        Assert.Contains("'NO' is no name", error, StringComparison.Ordinal);
    }

    /// <summary>An instrument must not begin in the middle of an update; the agent here is one that says so.</summary>
    [Fact]
    public async Task While_an_update_is_applied_hold_ends_with_3()
    {
        using var home = new TempFolder();
        using var socket = HoldFolder.Listen(home.Path, null);
        var command = fleet.EdgeAsync("hold", "--reason", "r", "--data", home.Path);
        using (var caller = await socket.AcceptAsync())
        {
            var buffer = new byte[HoldSocket.MaxRequest];
            var asked = Encoding.UTF8.GetString(buffer.AsSpan(0, await caller.ReceiveAsync(buffer)));
            Assert.Equal("""{"v":1,"do":"hold","name":"default","reason":"r"}""" + "\n", asked);
            await caller.SendAsync(Encoding.UTF8.GetBytes("""{"v":1,"ok":true,"applying":true,"new":1,"holds":[]}""" + "\n"));
        }
        var (code, _, error) = await command;
        Assert.Equal(3, code);
        Assert.Contains("an update is being applied right now and is finished first: do not begin yet", error, StringComparison.Ordinal);
    }

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    private Task<(int Code, string Output, string Error)> EdgeAsync(params string[] arguments) => fleet.EdgeAsync([.. arguments, "--data", Home]);

    private string Applied() => File.ReadAllText(fleet.RootFile(Site, "etc/notice"));

    /// <summary>Takes the site's word to the hub.</summary>
    private async Task TellAsync()
    {
        Assert.Equal(0, (await EdgeAsync("receipts", fleet.Stick)).Code);
        Assert.Equal(0, (await fleet.CliAsync("site", "receive", fleet.Stick)).Code);
    }

    /// <summary>As if the hold had been made so long ago.</summary>
    private async Task LetTimePassAsync(TimeSpan span)
    {
        await fleet.EndAsync(Site);
        var file = Path.Combine(Home, "apply", "apply.json");
        var state = JsonNode.Parse(await File.ReadAllBytesAsync(file))!;
        var hold = state["holds"]![0]!;
        hold["since"] = hold["since"]!.GetValue<DateTimeOffset>() - span;
        await File.WriteAllTextAsync(file, state.ToJsonString());
        await fleet.StartAsync(Site);
    }

    /// <summary>Its last report says so.</summary>
    private Task HeldAsync() => fleet.UntilAsync("the site to report that it is held", () =>
    {
        using var report = JsonDocument.Parse(Envelope.Parse(File.ReadAllBytes(Path.Combine(Home, "report.json"))).Payload);
        return report.RootElement.GetProperty("phase").GetString() == "held";
    });
}
