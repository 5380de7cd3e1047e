namespace InstrumentGateway.Commands;

/// <summary>The command line, understood. A wrong one becomes <see cref="Wrong"/>, with a sentence for the person.</summary>
internal abstract record Arguments
{
    public const string Usage = """
        instrument-gateway: takes results from laboratory instruments (HL7 v2 over MLLP) and stores them durably.

        Usage:
          instrument-gateway --config FILE [--data DIR]        run until SIGTERM
          instrument-gateway check --config FILE               show every problem of a configuration
          instrument-gateway send --to HOST:PORT [--timeout SECONDS] FILE
                                                               send one message, print its acknowledgement
          instrument-gateway --help | --version

        Options:
          --config FILE        configuration (JSON)
          --data DIR           data directory, instead of the configuration's dataDirectory
          --to HOST:PORT       an MLLP listener; an IPv6 address stands in [brackets]
          --timeout SECONDS    how long to wait for the acknowledgement, 1 to 3600 (30)

        Exit codes: 0 done (send: AA or CA), 1 failed, 2 wrong usage.

        """;

    public sealed record Help : Arguments;

    public sealed record Version : Arguments;

    public sealed record Run(string Config, string? Data) : Arguments;

    public sealed record Check(string Config) : Arguments;

    public sealed record Send(string Host, int Port, string File, TimeSpan Timeout) : Arguments;

    public sealed record Wrong(string Problem) : Arguments;

    public static Arguments Read(string[] args)
    {
        if (args.Intersect(["--help", "-h", "help"]).Any())
            return new Help();
        if (args is ["--version"])
            return new Version();
        var command = args is [var first, ..] && !first.StartsWith('-') ? first : "";
        var options = new Dictionary<string, string>();
        var operands = new List<string>();
        for (var i = command.Length > 0 ? 1 : 0; i < args.Length; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
                operands.Add(args[i]);
            else if (args[i].Split('=', 2) is [var name, var value] ? !options.TryAdd(name, value) : !Next(args, ref i, options))
                return new Wrong($"option '{args[i]}' needs one value");
        }

        return (command, options, operands) switch
        {
            ("", _, []) => Known(options, "--config", "--data")
                ?? Needs(options, "--config", file => new Run(file, options.GetValueOrDefault("--data"))),
            ("check", _, []) => Known(options, "--config") ?? Needs(options, "--config", file => new Check(file)),
            ("send", _, [var file]) => Known(options, "--to", "--timeout") ?? Needs(options, "--to", to => ReadSend(to, file, options)),
            ("send", _, _) => new Wrong("send needs one FILE"),
            ("" or "check", _, _) => new Wrong($"'{operands[0]}' is not expected here"),
            _ => new Wrong($"there is no command '{command}'"),
        };
    }

    private static bool Next(string[] args, ref int i, Dictionary<string, string> options) =>
        i + 1 < args.Length && options.TryAdd(args[i], args[++i]);

    private static Wrong? Known(Dictionary<string, string> options, params string[] known) =>
        options.Keys.FirstOrDefault(o => !known.Contains(o)) is { } unknown
            ? new($"unknown option '{unknown}'{Configuration.Nearest.Suggestion(unknown, known)}")
            : null;

    private static Arguments Needs(Dictionary<string, string> options, string name, Func<string, Arguments> then) =>
        options.TryGetValue(name, out var value) && value.Length > 0 ? then(value) : new Wrong($"option '{name}' is needed");

    private static Arguments ReadSend(string to, string file, Dictionary<string, string> options)
    {
        var colon = to.LastIndexOf(':');
        if (colon < 1 || !ushort.TryParse(to.AsSpan(colon + 1), out var port) || port == 0)
            return new Wrong($"'{to}' is not HOST:PORT");
        if (!int.TryParse(options.GetValueOrDefault("--timeout", "30"), out var seconds) || seconds is < 1 or > 3600)
            return new Wrong("--timeout must be from 1 to 3600 seconds");
        return new Send(to[..colon].Trim('[', ']'), port, file, TimeSpan.FromSeconds(seconds));
    }
}
