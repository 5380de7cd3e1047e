using System.Runtime.CompilerServices;

namespace Capillary.EndToEnd;

/// <summary>Where the real executables stand: `./dev build` puts them into artifacts/bin.</summary>
internal sealed record Binaries(string Capillary, string Edge, string Gateway, string Repository)
{
    /// <exception cref="FileNotFoundException">They are not built; says how.</exception>
    public static Binaries Find()
    {
        var root = Root();
        var folder = Environment.GetEnvironmentVariable("CAPILLARY_BIN") ?? Path.Combine(root, "artifacts", "bin");
        var found = new Binaries(Path.Combine(folder, "cli", "capillary"), Path.Combine(folder, "edge", "capillary-edge"),
            Path.Combine(folder, "gateway", "instrument-gateway"), root);
        foreach (var file in (string[])[found.Capillary, found.Edge, found.Gateway])
        {
            if (!File.Exists(file)) throw new FileNotFoundException($"{file} is not built yet; run: ./dev build");
        }
        return found;
    }

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
