namespace Capillary.Tests.Fleet.Rollouts;

/// <summary>What was explored.</summary>
/// <param name="States">Different worlds, regions that change places counted once.</param>
/// <param name="Steps">Steps between them.</param>
/// <param name="Violation">The first promise that was broken, with the way to it; null: none was.</param>
internal sealed record Exploration(long States, long Steps, string? Violation);

/// <summary>
/// Every order of steps of a small world, breadth first: so the first broken promise has a shortest way to it. From every state it also
/// looks whether the world comes to its end when faults stop.
/// </summary>
internal sealed class RolloutExplorer(WorldShape shape, int faults, int commits)
{
    private sealed class Node(RolloutWorld world, int faults, int commits, Node? from, string act)
    {
        /// <summary>Let go once all that follows was looked at: the way to it stays.</summary>
        public RolloutWorld? World { get; set; } = world;
        public int Faults => faults;
        public int Commits => commits;
        public Node? From => from;
        public string Act => act;
    }

    public Exploration Run()
    {
        var first = new RolloutWorld(shape);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        List<Node> level = [new(first, 0, 0, null, "")];
        var calm = new HashSet<string>(StringComparer.Ordinal);
        long states = 0, steps = 0;
        string? violation = null;
        while (level.Count > 0 && violation is null)
        {
            states += level.Count;
            var found = new List<Node>();
            var broken = new List<string>();
            // On one thread: beside it run tests that wait for real parts.
            foreach (var node in level)
            {
                try
                {
                    node.World!.Clone().Calm(key => calm.Add(key));
                }
                catch (BrokenPromiseException e)
                {
                    broken.Add($"{Way(node)}then calm: {e.Message}");
                }
                foreach (var (act, next, fault, commit) in Steps(node))
                {
                    steps++;
                    var world = node.World!.Clone();
                    var after = new Node(world, node.Faults + fault, node.Commits + commit, node, act);
                    try
                    {
                        next(world);
                        if (seen.Add($"{after.Faults}{after.Commits}{world.Key()}")) found.Add(after);
                    }
                    catch (BrokenPromiseException e)
                    {
                        broken.Add($"{Way(after)}: {e.Message}");
                    }
                }
                node.World = null;
            }
            violation = broken.Order(StringComparer.Ordinal).FirstOrDefault();
            level = found;
        }
        return new(states, steps, violation);
    }

    /// <summary>
    /// Regions have a plan at once. A site that takes a line late, from a mirror that is behind, does what it also does when it took it early
    /// and was slow: taking it tells nobody anything. So that order is here, without the states of a mirror.
    /// </summary>
    private void Plan(RolloutWorld world)
    {
        world.Plan();
        for (var region = 0; region < shape.Regions; region++) world.Sync(region);
    }

    /// <summary>Who has applied and not told it yet looks, to everybody else, as if still at it.</summary>
    private static void Apply(RolloutWorld world, int site, bool fails)
    {
        world.Apply(site, fails);
        if (world.CanTell(site)) world.Tell(site);
    }

    /// <summary>Who is away and not missed yet looks slow.</summary>
    private static void Leave(RolloutWorld world, int site)
    {
        world.Away(site, true);
        world.Silence(site);
    }

    private static void Back(RolloutWorld world, int site)
    {
        world.Away(site, false);
        world.Hear(site);
    }

    private static string Way(Node node)
    {
        var acts = new List<string>();
        for (var at = node; at.From is not null; at = at.From) acts.Add(at.Act);
        acts.Reverse();
        return string.Join(", ", acts);
    }

    private IEnumerable<(string Act, Action<RolloutWorld> Next, int Fault, int Commit)> Steps(Node node)
    {
        var world = node.World!;
        var canFail = node.Faults < faults;
        yield return ("plan", Plan, 0, 0);
        if (node.Commits < commits) yield return ("commit", one => one.Commit(sparesFirst: false), 0, 1);
        if (node.Commits == 1 && commits > 1) yield return ("commit for the second wave", one => one.Commit(sparesFirst: true), 0, 1);
        for (var s = 0; s < shape.Count; s++)
        {
            var site = s;
            if (world.CanFetch(site)) yield return ($"s{s} fetches", one => one.Fetch(site), 0, 0);
            if (world.CanApply(site)) yield return ($"s{s} applies", one => Apply(one, site, fails: false), 0, 0);
            if (world.CanTell(site)) yield return ($"s{s} tells", one => one.Tell(site), 0, 0);
            if (world.CanRelay(site)) yield return ($"s{s} is relayed", one => one.Relay(site), 0, 0);
            if (world.IsAway(site)) yield return ($"s{s} comes back", one => Back(one, site), 0, 0);
            if (world.IsHeld(site)) yield return ($"s{s} lets go", one => one.Hold(site, false), 0, 0);
            if (!canFail) continue;
            if (world.CanApply(site)) yield return ($"s{s} fails", one => Apply(one, site, fails: true), 1, 0);
            if (!world.IsAway(site)) yield return ($"s{s} goes away", one => Leave(one, site), 1, 0);
            if (world.CanHold(site)) yield return ($"s{s} holds", one => one.Hold(site, true), 1, 0);
        }
    }
}
