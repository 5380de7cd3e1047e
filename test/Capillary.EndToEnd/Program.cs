using System.Runtime.InteropServices;
using Capillary.EndToEnd;
using Capillary.EndToEnd.Image;

// `./dev image`, `./dev bench`, `./dev demo` (its options: DemoOptions.cs); the tests of this assembly use the same harness.
var measure = args.FirstOrDefault() == "measure";
var image = args.FirstOrDefault() == "image";
var options = measure || image ? null : DemoOptions.Parse(args);
if (options is null && !measure && !image)
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
if (image) return await ImageBuild.RunAsync(args[1], stop.Token);
return measure ? await Measure.Parse(args).RunAsync(stop.Token) : await Demo.RunAsync(options!, stop.Token);
