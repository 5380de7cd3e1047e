using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Inventory;

/// <summary>Puts apps in apply order.</summary>
internal static class AppOrder
{
    /// <summary>
    /// Topological by <c>after</c>, ties by ordinal name. Apps of a circle are reported once per circle and appended in ordinal order.
    /// </summary>
    public static IReadOnlyList<AppDocument> Sort(IReadOnlyList<AppDocument> apps, List<Diagnostic> problems)
    {
        var byName = apps.ToDictionary(app => app.Name, StringComparer.Ordinal);
        var waiting = apps.ToDictionary(app => app.Name, app => KnownBefore(app, byName, problems), StringComparer.Ordinal);
        var ready = new SortedSet<string>(waiting.Where(pair => pair.Value.Count == 0).Select(pair => pair.Key), StringComparer.Ordinal);
        var sorted = new List<AppDocument>();
        while (ready.Min is { } name)
        {
            ready.Remove(name);
            waiting.Remove(name);
            sorted.Add(byName[name]);
            foreach (var (other, before) in waiting)
            {
                if (before.Remove(name) && before.Count == 0) ready.Add(other);
            }
        }
        ReportCircles(waiting, byName, problems);
        sorted.AddRange(waiting.Keys.Order(StringComparer.Ordinal).Select(name => byName[name]));
        return sorted;
    }

    private static HashSet<string> KnownBefore(AppDocument app, Dictionary<string, AppDocument> byName, List<Diagnostic> problems)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, at) in app.After)
        {
            if (byName.ContainsKey(name)) known.Add(name);
            else
                problems.Add(Diagnostic.Error(DiagnosticCodes.UnknownApp, app.File, at,
                    $"app '{app.Name}' comes after '{name}', which is no app of this fleet", NearestName.Suggest(name, byName.Keys)));
        }
        return known;
    }

    private static void ReportCircles(Dictionary<string, HashSet<string>> waiting, Dictionary<string, AppDocument> byName,
        List<Diagnostic> problems)
    {
        var told = new HashSet<string>(StringComparer.Ordinal);
        foreach (var start in waiting.Keys.Order(StringComparer.Ordinal))
        {
            if (Circle(start, waiting) is not { } circle || !circle.TrueForAll(told.Add)) continue;
            var app = byName[start];
            var at = app.After.First(item => circle.Contains(item.Value)).At;
            problems.Add(Diagnostic.Error(DiagnosticCodes.AppCycle, app.File, at,
                $"apps wait for each other: {string.Join(" -> ", circle.Append(start))}", "remove one of these 'after'"));
        }
    }

    /// <summary>The shortest way from an app back to itself along <c>after</c>, or null when it only waits for a circle.</summary>
    private static List<string>? Circle(string start, Dictionary<string, HashSet<string>> waiting)
    {
        var from = new Dictionary<string, string>(StringComparer.Ordinal);
        var queue = new Queue<string>([start]);
        while (queue.TryDequeue(out var name))
        {
            foreach (var before in waiting[name].Where(waiting.ContainsKey).Order(StringComparer.Ordinal))
            {
                if (before == start)
                {
                    var way = new List<string>();
                    for (var step = name; step != start; step = from[step]) way.Add(step);
                    way.Add(start);
                    way.Reverse();
                    return way;
                }
                if (from.TryAdd(before, name)) queue.Enqueue(before);
            }
        }
        return null;
    }
}
