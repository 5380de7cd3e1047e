using Capillary.Node.Doctor;
using Capillary.Node.Hosting;

namespace Capillary.EdgeAgent.Commands;

/// <summary><c>capillary-edge doctor</c>.</summary>
internal static class DoctorCommand
{
    public static async Task<int> RunAsync(EdgeOptions options, CancellationToken stop)
    {
        var proxy = GivenProxy.Read(options.Proxy, options.ProxyPasswordFile, Console.In);
        var target = DoctorTarget.Of(options.File, options.Parents, options.Data, proxy, "capillary-edge");
        if (!options.Json) Console.Error.WriteLine("testing; this takes up to a minute for each parent …");
        var report = await Examination.RunAsync(target, TimeProvider.System, stop);
        return EdgeCommands.Print(options.Json ? DoctorText.ToJson(report) : DoctorText.ToText(report), report.IsGood ? 0 : 1);
    }
}
