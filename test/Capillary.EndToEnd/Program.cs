using System.Runtime.InteropServices;
using Capillary.EndToEnd;

// `./dev demo [--once] [--sites N] [--keep] [--folder DIR]`; the tests of this assembly use the same harness.
var measure = args.FirstOrDefault() == "measure";
var options = measure ? null : DemoOptions.Parse(args);
if (options is null && !measure)
{
    Console.WriteLine(DemoOptions.Usage);
    return args.Contains("--help") ? 0 : 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
{
    signal.Cancel = true;
    stop.Cancel();
});
return measure ? await Measure.Parse(args).RunAsync(stop.Token) : await Demo.RunAsync(options!, stop.Token);
