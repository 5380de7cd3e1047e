namespace Capillary.EndToEnd;

/// <summary>What the demo was asked for.</summary>
/// <param name="Once">Without a person: run every step and exit.</param>
/// <param name="Sites">Number of sites, 1 to 200.</param>
/// <param name="Keep">Leave the work folder.</param>
/// <param name="Folder">The work folder; null: a new one.</param>
/// <param name="Kubeconfig">A cluster that becomes one more site; null: none.</param>
internal sealed record DemoOptions(bool Once, int Sites, bool Keep, string? Folder, string? Kubeconfig)
{
    public const string Usage = """
        ./dev demo [--once] [--sites N] [--kubeconfig FILE] [--keep] [--folder DIR]

        Starts a hub, two regions and six sites as real processes over a real Git repository.
          --once        run every step without a person and exit (0 only if all of it happened)
          --sites N     number of sites, 1 to 200 (default 6)
          --kubeconfig FILE
                        one more site, on this Kubernetes cluster: the namespaces lab-portal and capillary-system,
                        which must not be there, are made and removed; it needs no node
          --keep        leave the work folder for a look at its files
          --folder DIR  use this (new) work folder
        """;

    public static DemoOptions? Parse(string[] arguments)
    {
        var options = new DemoOptions(false, 6, false, null, null);
        for (var i = 0; i < arguments.Length; i++)
        {
            var value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            switch (arguments[i])
            {
                case "demo" when i == 0:
                    break;
                case "--once":
                    options = options with { Once = true };
                    break;
                case "--keep":
                    options = options with { Keep = true };
                    break;
                case "--sites" when int.TryParse(value, out var sites) && sites is >= 1 and <= 200:
                    options = options with { Sites = sites };
                    i++;
                    break;
                case "--folder" when value is not null && !Directory.Exists(value):
                    options = options with { Folder = Path.GetFullPath(value) };
                    i++;
                    break;
                case "--kubeconfig" when File.Exists(value):
                    options = options with { Kubeconfig = Path.GetFullPath(value) };
                    i++;
                    break;
                default:
                    return null;
            }
        }
        return options;
    }
}
