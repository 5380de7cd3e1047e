using Capillary.Benchmarks;
using Capillary.Benchmarks.Links;

// A benchmark starts this program again for what must be a process of its own.
if (args is ["role", .. var role]) return await Role.RunAsync(role);

// `./dev bench [FILTER] [--json FILE]`
string? filter = null;
string? json = null;
for (var i = 0; i < args.Length; i++)
{
    if (args[i] == "--json" && i + 1 < args.Length) json = args[++i];
    else if (!args[i].StartsWith('-') && filter is null) filter = args[i];
    else
    {
        Console.Error.WriteLine("./dev bench [FILTER] [--json FILE]: FILTER is part of a benchmark's name: "
            + string.Join(", ", Benchmark.All.Select(item => item.Name)));
        return 2;
    }
}

var chosen = Benchmark.All.Where(item => filter is null || item.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)).ToList();
if (chosen.Count == 0)
{
    Console.Error.WriteLine($"no benchmark is named like '{filter}'; there are: {string.Join(", ", Benchmark.All.Select(item => item.Name))}");
    return 2;
}
var rows = new List<Row>();
foreach (var benchmark in chosen)
{
    Console.Error.WriteLine($"{benchmark.Name}: {benchmark.About} …");
    await foreach (var row in benchmark.Run()) rows.Add(row);
}
Report.Print(rows);
if (json is not null) Report.WriteJson(rows, json);
return 0;
