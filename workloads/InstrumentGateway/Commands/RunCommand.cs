using InstrumentGateway.Configuration;
using InstrumentGateway.Storage;

namespace InstrumentGateway.Commands;

/// <summary>Runs the gateway until SIGTERM or SIGINT. What can't start says why in one line, and ends with 1.</summary>
internal static class RunCommand
{
    public static async Task<int> RunAsync(Arguments.Run arguments, TextWriter error, CancellationToken stop)
    {
        var result = ConfigReader.ReadFile(arguments.Config);
        if (result.Config is not { } config)
        {
            CheckCommand.Show(result, error);
            return 1;
        }

        try
        {
            var options = new LogOptions(arguments.Data is { } data ? Path.GetFullPath(data) : config.DataDirectory);
            await using var gateway = await GatewayHost.StartAsync(config, options, TimeProvider.System, stop);
            return await gateway.WaitForStopAsync() ? 0 : 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            await error.WriteLineAsync($"instrument-gateway: {e.Message}");
            return 1;
        }
    }
}
