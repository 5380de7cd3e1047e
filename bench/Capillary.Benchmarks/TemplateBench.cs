using System.Diagnostics;
using System.Globalization;
using Capillary.Jinja;

namespace Capillary.Benchmarks;

/// <summary>Rendering, on one thread; side by side with Python's Jinja2 where it is installed.</summary>
internal static class TemplateBench
{
    private const string Source =
        "listen {{ host }}:{{ port }}\nname {{ name | upper }}\n{% if secure %}\ntls on\n{% else %}\ntls off\n{% endif %}\nretention {{ days }} days\n";

    private const string Python = """
        import time
        from jinja2 import Environment, StrictUndefined
        t = Environment(undefined=StrictUndefined).from_string(SOURCE)
        c = {'host': '127.0.0.1', 'port': 2575, 'name': 'basel', 'secure': True, 'days': 30}
        best = 0
        for _ in range(5):
            n, start = 0, time.perf_counter()
            while time.perf_counter() - start < 0.4:
                for _ in range(500): t.render(c)
                n += 500
            best = max(best, n / (time.perf_counter() - start))
        print(best)
        """;

    public static async IAsyncEnumerable<Row> Run()
    {
        var template = JinjaTemplate.Parse(Source, "bench");
        var context = JinjaValue.FromMap(new Dictionary<string, JinjaValue>
        {
            ["host"] = "127.0.0.1", ["port"] = 2575L, ["name"] = "basel", ["secure"] = true, ["days"] = 30L,
        });
        var best = 0.0;
        for (var round = 0; round < 5; round++) best = Math.Max(best, Rate(template, context));
        var python = await PythonRateAsync();
        yield return new Row("template renders per second (best of 5)", best, "1/s", python * 3, "higher");
        if (python is not null) yield return new Row("the same in Python's Jinja2 (best of 5)", python.Value, "1/s", null, "higher");
    }

    private static double Rate(JinjaTemplate template, JinjaValue context)
    {
        var (count, start) = (0, Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < 0.4)
        {
            for (var i = 0; i < 1000; i++) template.Render(context);
            count += 1000;
        }
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<double?> PythonRateAsync()
    {
        var start = new ProcessStartInfo("/usr/bin/python3", ["-c", $"SOURCE = {System.Text.Json.JsonSerializer.Serialize(Source)}\n{Python}"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        try
        {
            using var python = Process.Start(start)!;
            var text = await python.StandardOutput.ReadToEndAsync();
            await python.WaitForExitAsync();
            return python.ExitCode == 0 ? double.Parse(text, CultureInfo.InvariantCulture) : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
