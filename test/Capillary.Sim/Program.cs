using System.Diagnostics;
using System.Globalization;
using Capillary.Sim;

var usage = "usage: Capillary.Sim [--seed N] [--seeds COUNT] [--sites 100] [--regions 3] [--minutes 40] [--cheap] [--break RULE] [--trace]";
var (first, count, options) = (1UL, 1, new Options(0));
try
{
    for (var i = 0; i < args.Length; i++)
    {
        switch (args[i])
        {
            case "--seed": first = ulong.Parse(args[++i], CultureInfo.InvariantCulture); break;
            case "--seeds": count = int.Parse(args[++i], CultureInfo.InvariantCulture); break;
            case "--sites": options = options with { Sites = int.Parse(args[++i], CultureInfo.InvariantCulture) }; break;
            case "--regions": options = options with { Regions = int.Parse(args[++i], CultureInfo.InvariantCulture) }; break;
            case "--minutes": options = options with { Minutes = int.Parse(args[++i], CultureInfo.InvariantCulture) }; break;
            case "--break": options = options with { Broken = Enum.Parse<Mutation>(args[++i]) }; break;
            case "--cheap": options = options with { CheapFrames = true }; break;
            case "--trace": options = options with { Trace = Console.Out }; break;
            default: throw new FormatException($"unknown argument '{args[i]}'");
        }
    }
}
catch (Exception e) when (e is FormatException or IndexOutOfRangeException or ArgumentException or OverflowException)
{
    Console.Error.WriteLine($"{e.Message}\n{usage}");
    return 2;
}

var failures = 0;
for (var seed = first; seed < first + (ulong)count; seed++)
{
    var watch = Stopwatch.StartNew();
    var outcome = new World(options with { Seed = seed }).Run();
    var faults = string.Join(' ', outcome.Faults.Select(fault => $"{fault.Key}:{fault.Value}"));
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"seed {seed}  steps {outcome.Steps}  virtual {outcome.Virtual:h\\:mm\\:ss}  wall {watch.Elapsed.TotalSeconds:0.0} s  "
        + $"{(outcome.Failure is null ? "ok" : "FAILED")}  trace {outcome.TraceHash[..12]}  {faults}"));
    if (outcome.Failure is null) continue;
    failures++;
    if (options.Trace is null) foreach (var line in outcome.LastEvents) Console.WriteLine($"  {line}");
    Console.WriteLine($"  seed {seed} broke {outcome.Failure}");
}
return failures == 0 ? 0 : 1;
