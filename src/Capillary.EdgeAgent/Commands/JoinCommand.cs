using Capillary.Core.Identity;
using Capillary.Node.Child;
using Capillary.Node.Hosting;

namespace Capillary.EdgeAgent.Commands;

/// <summary><c>capillary-edge join</c>: with a file, or with a code and an address.</summary>
internal static class JoinCommand
{
    public static async Task<int> RunAsync(EdgeOptions options, string file, CancellationToken stop)
    {
        var proxy = GivenProxy.Read(options.Proxy, options.ProxyPasswordFile, Console.In);
        if (file == "-" && !Console.IsInputRedirected) Console.Error.Write("join code: ");
        var given = GivenJoin.Read(file, options.Parents, proxy, NodeKind.Site, Console.In);
        // Before the code is used up: what is wrong here would be found only when the agent starts.
        if (AllowList.Problem(options) is { } problem) return EdgeCommands.Fail(1, problem);
        var home = new NodeHome(options.Data);
        AllowList.OpenRoots(options, home.Folder);
        var answer = await Approval.WaitAsync(token => AskAsync(home, given, token), NodeKind.Site, Console.Out.WriteLine,
            TimeProvider.System, stop);
        if (answer is JoinAnswer.Failed failed)
            return EdgeCommands.Fail(1, $"{failed.Reason}; 'capillary-edge doctor {Way(given, file)}' tests the way");
        AllowList.Write(options, home);
        var joined = home.LoadSettings();
        return EdgeCommands.Print($"{joined.Node} joined fleet {joined.Fleet}; let it run for ever with: "
            + $"capillary-edge install{Data(options)} (or here and now: capillary-edge run --data {home.Folder})");
    }

    private static async Task<JoinAnswer> AskAsync(NodeHome home, GivenJoin given, CancellationToken stop)
    {
        if (given.File is not { } file)
        {
            return new JoinAnswer.Failed("this version joins with a file only; make it where the hub is: "
                + "capillary site enroll NAME --out FILE");
        }
        return await Joining.JoinAsync(home, file, stop) switch
        {
            JoinOutcome.Joined joined => new JoinAnswer.Joined(joined.Record.Node),
            JoinOutcome.Failed failed => new JoinAnswer.Failed(failed.Reason),
            var other => throw new InvalidOperationException($"unknown outcome {other}"),
        };
    }

    private static string Way(GivenJoin given, string file) => given.File is null ? $"--parent {given.Parents[0]}" : file;

    private static string Data(EdgeOptions options) => options.Data == EdgeOptions.DefaultFolder ? "" : $" --data {options.Data}";
}
