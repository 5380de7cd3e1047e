using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates;
using Capillary.Jinja;

namespace Capillary.Benchmarks;

/// <summary>A ConfigMap of 40 lines: rendering it, parsing and rendering it once, and on all cores; side by side with Python's Jinja2.</summary>
internal static class JinjaBench
{
    private const int Rounds = 5;

    // The same context, the same loops, turn about with ours.
    private const string Python = """
        import json, sys, time
        from jinja2 import Environment, StrictUndefined
        source, context = open(sys.argv[1]).read(), json.load(open(sys.argv[2]))
        environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
        template = environment.from_string(source)
        def rate(work, batch):
            n, start = 0, time.perf_counter()
            while time.perf_counter() - start < 0.4:
                for _ in range(batch): work()
                n += batch
            return n / (time.perf_counter() - start)
        for line in sys.stdin:
            if line.strip() == 'text': print(json.dumps(template.render(context)), flush=True)
            elif line.strip() == 'render': print(rate(lambda: template.render(context), 100), flush=True)
            else: print(rate(lambda: environment.from_string(source).render(context), 2), flush=True)
        """;

    private static readonly JinjaOptions Options = new() { TrimBlocks = true, LstripBlocks = true, KeepTrailingNewline = true };

    public static async IAsyncEnumerable<Row> Run()
    {
        var source = await File.ReadAllTextAsync(PathOf("JinjaBench.yaml.j2"));
        // JSON is YAML.
        var context = JinjaNodes.Of(YamlLoader.Load(await File.ReadAllTextAsync(PathOf("JinjaBench.json")), new DiagnosticBag("")).Single());
        var template = JinjaTemplate.Parse(source, "bench", Options);
        using var python = StartPython();
        if (python is not null && JsonSerializer.Deserialize<string>(await Ask(python, "text")) != template.Render(context))
            throw new InvalidOperationException("the two do not render the same text");
        var (render, once, pythonRender, pythonOnce) = (0.0, 0.0, 0.0, 0.0);
        for (var round = 0; round < Rounds; round++)
        {
            render = Math.Max(render, Rate(() => template.Render(context)));
            once = Math.Max(once, Rate(() => JinjaTemplate.Parse(source, "bench", Options).Render(context)));
            if (python is null) continue;
            pythonRender = Math.Max(pythonRender, Number(await Ask(python, "render")));
            pythonOnce = Math.Max(pythonOnce, Number(await Ask(python, "once")));
        }
        yield return new Row("jinja: 40-line ConfigMap rendered, one thread (best of 5)", render, "1/s", python is null ? null : 3 * pythonRender, "higher");
        if (python is not null) yield return new Row("jinja: the same in Python's Jinja2, same run", pythonRender, "1/s", null, "higher");
        yield return new Row("jinja: parsed and rendered once (best of 5)", once, "1/s", python is null ? null : 20 * pythonOnce, "higher");
        if (python is not null) yield return new Row("jinja: the same in Python's Jinja2, same run", pythonOnce, "1/s", null, "higher");
        var all = 0.0;
        for (var round = 0; round < Rounds; round++) all = Math.Max(all, RateOnAllCores(() => template.Render(context)));
        yield return new Row($"jinja: one template on {Environment.ProcessorCount} threads at once, times one thread", all / render, "x", null, "higher");
    }

    private static double Rate(Func<string> work)
    {
        var (count, start) = (0, Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < 0.4)
        {
            for (var i = 0; i < 100; i++) work();
            count += 100;
        }
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double RateOnAllCores(Func<string> work)
    {
        var rates = new double[Environment.ProcessorCount];
        var threads = rates.Select((_, i) => new Thread(() => rates[i] = Rate(work))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        return rates.Sum();
    }

    private static Process? StartPython()
    {
        foreach (var name in (string[])["/usr/bin/python3", "python3"])
        {
            var start = new ProcessStartInfo(name, ["-c", Python, PathOf("JinjaBench.yaml.j2"), PathOf("JinjaBench.json")])
            {
                RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            };
            try
            {
                var python = Process.Start(start)!;
                if (!python.WaitForExit(1000)) return python;
                python.Dispose();
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // The next one, perhaps.
            }
        }
        return null;
    }

    private static async Task<string> Ask(Process python, string what)
    {
        await python.StandardInput.WriteLineAsync(what);
        await python.StandardInput.FlushAsync();
        return await python.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("Python ended");
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string PathOf(string file, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, file);
}
