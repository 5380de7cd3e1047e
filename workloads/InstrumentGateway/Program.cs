using InstrumentGateway.Commands;

namespace InstrumentGateway;

/// <summary>The executable <c>instrument-gateway</c>.</summary>
internal static class Program
{
    private const int WrongUsage = 2;

    public static async Task<int> Main(string[] args)
    {
        switch (Arguments.Read(args))
        {
            case Arguments.Help:
                Console.Out.Write(Arguments.Usage);
                return 0;
            case Arguments.Version:
                Console.Out.WriteLine($"instrument-gateway {GatewayHost.Version}");
                return 0;
            case Arguments.Run run:
                return await RunCommand.RunAsync(run, Console.Error, CancellationToken.None);
            case Arguments.Check check:
                return CheckCommand.Run(check, Console.Out, Console.Error);
            case Arguments.Send send:
                return await SendCommand.RunAsync(send, Console.Out, Console.Error, CancellationToken.None);
            case Arguments.Wrong wrong:
                Console.Error.WriteLine($"instrument-gateway: {wrong.Problem} (see --help)");
                return WrongUsage;
            default:
                throw new InvalidOperationException("an argument form is not handled");
        }
    }
}
