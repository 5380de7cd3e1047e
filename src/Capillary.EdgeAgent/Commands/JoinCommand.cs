using Capillary.Core.Identity;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Node.Links;

namespace Capillary.EdgeAgent.Commands;

/// <summary><c>capillary-edge join</c>: with a file, or with a code and an address.</summary>
internal static class JoinCommand
{
    public static async Task<int> RunAsync(EdgeOptions options, string file, CancellationToken stop)
    {
        var proxy = GivenProxy.Read(options.Proxy, options.ProxyPasswordFile, Console.In);
        if (file == "-" && !Console.IsInputRedirected) Console.Error.Write("join code: ");
        var given = GivenJoin.Read(file, options.Parents, proxy, NodeKind.Site, Console.In);
        _ = LinkLimits.Parse(options.MaxRate, options.QuietHours, "--max-rate", "--quiet-hours");
        // Before the code is used up: what is wrong here would be found only when the agent starts.
        if ((AllowList.Problem(options) ?? AllowList.ClusterProblem(options)) is { } problem) return EdgeCommands.Fail(1, problem);
        var home = new NodeHome(options.Data);
        AllowList.OpenRoots(options, home.Folder);
        var answer = await Approval.WaitAsync(token => Joining.JoinAsync(home, given.ToTarget(NodeKind.Site), token), NodeKind.Site,
            Console.Out.WriteLine, TimeProvider.System, stop);
        if (answer is JoinOutcome.Failed failed)
            return EdgeCommands.Fail(1, $"{failed.Reason}; 'capillary-edge doctor {Way(given, file)}' tests the way");
        AllowList.Write(options, home);
        var joined = home.LoadSettings();
        return EdgeCommands.Print($"{joined.Node} joined fleet {joined.Fleet}; let it run for ever with: "
            + $"capillary-edge install{Data(options)} (or here and now: capillary-edge run --data {home.Folder})");
    }

    private static string Way(GivenJoin given, string file) => given.File is null ? $"--parent {given.Parents[0]}" : file;

    private static string Data(EdgeOptions options) => options.Data == EdgeOptions.DefaultFolder ? "" : $" --data {options.Data}";
}
