using System.CommandLine;
using Capillary.Node.Doctor;
using Capillary.Node.Hosting;

namespace Capillary.Cli;

/// <summary><c>capillary region doctor</c> and <c>capillary region status</c>: on the region's own machine.</summary>
internal static class RegionTechnicianCommands
{
    private enum TextFormat
    {
        Text,
        Json,
    }

    public static Command Doctor()
    {
        var file = new Argument<string?>("FILE") { Description = "The join file, before the node joins.", Arity = ArgumentArity.ZeroOrOne };
        var (data, format) = (RegionNodeCommands.DataOption(), CommandOutput.FormatOption<TextFormat>());
        var parents = new Option<string[]>("--parent")
        {
            Description = "The hub's address, when there is neither file nor folder, as HOST[:PORT].",
        };
        var (proxy, password) = (RegionNodeCommands.ProxyOption(), RegionNodeCommands.ProxyPasswordOption());
        var command = new Command("doctor", "Test the way from this machine to the hub, and say in words what fails.")
        {
            file, data, parents, proxy, password, format,
        };
        command.SetAction(async (parsed, stop) =>
        {
            var code = ExitCode.Done;
            var failed = await RegionNodeCommands.ReportAsync(parsed.InvocationConfiguration, async () =>
            {
                var through = GivenProxy.Read(parsed.GetValue(proxy), parsed.GetValue(password), Console.In);
                var target = DoctorTarget.Of(parsed.GetValue(file), parsed.GetValue(parents) ?? [], parsed.GetValue(data)!, through,
                    "capillary region");
                var report = await Examination.RunAsync(target, TimeProvider.System, stop);
                var text = parsed.GetValue(format) == TextFormat.Json ? DoctorText.ToJson(report) : DoctorText.ToText(report);
                await parsed.InvocationConfiguration.Output.WriteLineAsync(text);
                code = report.IsGood ? ExitCode.Done : ExitCode.Failed;
            });
            return failed == ExitCode.Done ? code : failed;
        });
        return command;
    }

    public static Command Status()
    {
        var (data, format) = (RegionNodeCommands.DataOption(), CommandOutput.FormatOption<TextFormat>());
        var command = new Command("status",
            "Say how this region node is: link, sites, mirror. Exit code 0: well, 1: it needs a look, 3: on its way.")
        {
            data, format,
        };
        command.SetAction(async (parsed, _) =>
        {
            var code = ExitCode.Done;
            var failed = await RegionNodeCommands.ReportAsync(parsed.InvocationConfiguration, () =>
            {
                var look = RegionLook.Of(parsed.GetValue(data)!);
                var output = parsed.InvocationConfiguration.Output;
                if (parsed.GetValue(format) == TextFormat.Json) WriteJson(output, look);
                else output.WriteLine(look.ToText(TimeProvider.System.GetUtcNow()));
                code = look.Judge().State switch { "well" => ExitCode.Done, "on-its-way" => 3, _ => ExitCode.Failed };
                return Task.CompletedTask;
            });
            return failed == ExitCode.Done ? code : failed;
        });
        return command;
    }

    private static void WriteJson(TextWriter output, RegionLook look) => CommandOutput.WriteJson(output, json =>
    {
        var (state, why) = look.Judge();
        json.WriteStartObject();
        json.WriteString("region", look.Region);
        json.WriteString("fleet", look.Fleet);
        json.WriteString("state", state);
        if (why.Length > 0) json.WriteString("why", why);
        json.WriteBoolean("running", look.IsRunning);
        if (look.Link is { } link)
        {
            json.WriteStartObject("link");
            json.WriteBoolean("live", look.IsRunning && link.IsLive);
            json.WriteString("since", link.Since);
            if (link.Problem is { } problem) json.WriteString("problem", problem);
            json.WriteEndObject();
        }
        if (look.Rollout is { } rollout) json.WriteString("rollout", rollout);
        if (look.Counts is { } counts)
        {
            json.WriteNumber("linked", look.IsRunning ? counts.Linked : 0);
            json.WriteNumber("sites", counts.Sites);
            json.WriteNumber("lines", counts.Lines);
            json.WriteNumber("waiting", counts.Waiting);
        }
        json.WriteEndObject();
    });
}
