using System.Runtime.InteropServices;
using Capillary.KubernetesDouble;

if (Argument("--kubeconfig") is not { } kubeconfig)
{
    Console.Error.WriteLine("usage: Capillary.KubernetesDouble --kubeconfig FILE [--port N] [--controllers]");
    return 2;
}
using var stop = new CancellationTokenSource();
void End(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
await using var cluster = await ClusterDouble.StartAsync(new ClusterDoubleOptions
{
    KubeconfigPath = Path.GetFullPath(kubeconfig),
    Port = int.Parse(Argument("--port") ?? "0"),
    RunsControllers = args.Contains("--controllers"),
});
Console.WriteLine($"A Kubernetes API double listens on {cluster.Address}; try: kubectl --kubeconfig {cluster.KubeconfigPath} get "
    + $"namespaces");
await Task.Delay(Timeout.Infinite, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
return 0;

string? Argument(string name) => Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : null;
