using System.Text.Json;

namespace InstrumentGateway.Configuration;

/// <summary>What came of reading a configuration file: a configuration, or every problem in it.</summary>
internal sealed record ConfigResult(GatewayConfig? Config, IReadOnlyList<ConfigProblem> Problems);

/// <summary>Reads and judges a configuration file. The largest file it takes is 1 MB.</summary>
internal static class ConfigReader
{
    private const int MaxBytes = 1 << 20;

    public static ConfigResult ReadFile(string file)
    {
        try
        {
            if (new FileInfo(file).Length > MaxBytes)
                return Failed(file, $"is larger than {MaxBytes} bytes");
            var result = Read(file, File.ReadAllBytes(file));
            return result.Config is { } config ? result with { Config = Resolve(config, file) } : result;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Failed(file, e.Message);
        }
    }

    public static ConfigResult Read(string file, byte[] json)
    {
        var problems = new ConfigProblems(file);
        var content = json.AsSpan();
        if (content.StartsWith("\uFEFF"u8))
            content = content[3..];
        try
        {
            var root = LocatedJson.Parse(content);
            new ConfigShape(problems).Check(root, ConfigJson.Default.GatewayConfig);
            new ConfigRules(problems).Check(root);
            if (problems.Found.Count == 0)
                return new(JsonSerializer.Deserialize(content, ConfigJson.Default.GatewayConfig), []);
        }
        catch (JsonException e)
        {
            problems.Add((int)(e.LineNumber ?? 0) + 1, (int)(e.BytePositionInLine ?? 0) + 1, $"not JSON: {Sentence(e.Message)}");
        }

        return new(null, problems.Found);
    }

    // A relative data directory belongs to the file that names it, wherever the process was started.
    private static GatewayConfig Resolve(GatewayConfig config, string file) =>
        config with { DataDirectory = Path.GetFullPath(config.DataDirectory, Path.GetDirectoryName(Path.GetFullPath(file))!) };

    private static ConfigResult Failed(string file, string message) => new(null, [new(file, 1, 1, "$", message)]);

    // JsonException appends "LineNumber: … | BytePositionInLine: …", which the problem already says.
    private static string Sentence(string message) => message.Split(" LineNumber:")[0];
}
