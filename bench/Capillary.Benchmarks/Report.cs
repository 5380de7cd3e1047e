using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Capillary.Benchmarks;

/// <summary>Prints figures with the machine and the commit beside them.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Print(IReadOnlyList<Row> rows)
    {
        Console.WriteLine();
        Console.WriteLine($"machine: {Machine()}");
        Console.WriteLine($"commit:  {Commit()}");
        Console.WriteLine();
        Console.WriteLine("| figure | value | unit | budget | holds |");
        Console.WriteLine("|---|---:|---|---:|---|");
        foreach (var row in rows)
        {
            var holds = row.Holds switch { true => "yes", false => "NO", null => "" };
            Console.WriteLine($"| {row.Name} | {Number(row.Value)} | {row.Unit} | {(row.Budget is { } budget ? Number(budget) : "")} | {holds} |");
        }
    }

    public static void WriteJson(IReadOnlyList<Row> rows, string file) =>
        File.WriteAllText(file, JsonSerializer.Serialize(rows.Select(row => new { row.Name, row.Value, row.Unit, row.Budget, row.Better }), Json));

    private static string Number(double value) =>
        value.ToString(value >= 1000 ? "#,0" : value >= 10 ? "0.0" : "0.000", CultureInfo.InvariantCulture);

    private static string Machine()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim();
        var load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return $"{Environment.ProcessorCount} x {model}, {Environment.OSVersion.VersionString}, .NET {Environment.Version}, load {load} at the end";
    }

    private static string Commit()
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["describe", "--always", "--dirty", "--abbrev=12"]) { RedirectStandardOutput = true })!;
        var text = git.StandardOutput.ReadToEnd().Trim();
        git.WaitForExit();
        return text;
    }
}
