using InstrumentGateway.Configuration;

namespace InstrumentGateway.Commands;

/// <summary>Shows every problem of a configuration file, one per line, as <c>file:line:column: path: message</c>.</summary>
internal static class CheckCommand
{
    public static int Run(Arguments.Check arguments, TextWriter output, TextWriter error)
    {
        var result = ConfigReader.ReadFile(arguments.Config);
        if (result.Config is { } config)
        {
            var instruments = config.Instruments?.Count ?? 0;
            output.WriteLine($"{arguments.Config}: ok, {config.Listeners.Count} listener(s), {instruments} instrument(s)");
            return 0;
        }

        Show(result, error);
        return 1;
    }

    public static void Show(ConfigResult result, TextWriter error)
    {
        foreach (var problem in result.Problems)
            error.WriteLine(problem);
    }
}
