using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.HubNode;
using Capillary.Node.Journal;
using Capillary.Node.Keys;

namespace Capillary.Cli;

/// <summary><c>capillary trust</c>: the trust root, its keys and its versions.</summary>
internal static class TrustCommand
{
    public static Command Create()
    {
        var connection = new HubConnection();
        var asking = (Command[])[Show(connection), TrustRotateCommand.Rotate(connection), TrustRotateCommand.Submit(connection)];
        // The others work on files and ask no hub.
        foreach (var command in asking) connection.AddTo(command);
        return new Command("trust", "Make, show and replace the fleet's trust root.")
        {
            Subcommands = { Key(), Init(), asking[0], asking[1], TrustRotateCommand.Sign(), asking[2] },
        };
    }

    /// <summary>Runs a command that works on files; what goes wrong is one line.</summary>
    public static void DoLocal(this Command command, Action<ParseResult> action) => command.SetAction((parsed, _) =>
    {
        try
        {
            action(parsed);
            return Task.FromResult(ExitCode.Done);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or TrustFormatException
            or CommandException)
        {
            parsed.InvocationConfiguration.Error.WriteLine($"capillary: {e.Message}");
            return Task.FromResult(e is CommandException failed ? failed.Code : ExitCode.Failed);
        }
    });

    private static Command Key()
    {
        var file = new Option<string>("--out") { Description = "Where the private key goes (mode 0600); FILE.pub gets the public half.",
            Required = true };
        var command = new Command("key", "Make a root key and show its id. Keep the file away from the hub.") { file };
        command.DoLocal(parsed =>
        {
            var path = parsed.GetValue(file)!;
            if (File.Exists(path)) throw new InvalidDataException($"{path}: is there already; choose another file");
            using var key = SigningKey.LoadOrCreate(path);
            var pem = PemEncoding.WriteString("PUBLIC KEY", key.Public.Spki) + "\n";
            AtomicFile.Write($"{path}.pub", System.Text.Encoding.ASCII.GetBytes(pem));
            parsed.InvocationConfiguration.Output.WriteLine(key.Public.Id);
        });
        return command;
    }

    private static Command Init()
    {
        var data = new Option<string>("--data") { Description = "The hub's data folder.", DefaultValueFactory = _ => "./hub" };
        var fleet = new Option<string>("--fleet") { Description = "The fleet's name.", Required = true };
        var threshold = new Option<int>("--threshold") { Description = "How many root keys sign each trust root.", Required = true };
        var keys = TrustRotateCommand.RootKeyOption("A root key of the fleet: a private one, or a .pub; as many private ones as the "
            + "threshold says. They stay where they are.");
        keys.Required = true;
        var command = new Command("init", "Make a hub whose root keys stand elsewhere; 'hub init' makes a simple one with its root key "
            + "beside it.") { data, fleet, threshold, keys };
        command.DoLocal(parsed =>
        {
            var (folder, name) = (parsed.GetValue(data)!, parsed.GetValue(fleet)!);
            if (!DnsLabel.IsValid(name)) throw new CommandException(
                $"'{name}' is not a fleet's name: use 1 to 63 lower-case letters, digits and '-'", ExitCode.Usage);
            var files = (parsed.GetValue(keys) ?? []).Select(RootKeyFile.Read).ToList();
            var rootKeys = new RootKeys([.. files.Select(file => file.Public)], parsed.GetValue(threshold),
                [.. files.Select(file => file.Private).OfType<SigningKey>()]);
            Check(rootKeys);
            var made = HubFolder.Init(folder, new FleetName(name), rootKeys, TimeProvider.System.GetUtcNow())
                ?? throw new InvalidDataException($"{folder} holds a hub already; choose another folder with --data");
            var output = parsed.InvocationConfiguration.Output;
            output.WriteLine($"hub of fleet {made.Fleet} in {folder}");
            output.WriteLine($"trust root {made.TrustRoot}, {rootKeys.Threshold} of {rootKeys.Keys.Count} root keys");
            output.WriteLine($"api pin    {made.ApiPin}");
        });
        return command;
    }

    private static void Check(RootKeys rootKeys)
    {
        if (rootKeys.Keys.DistinctBy(key => key.Id).Count() != rootKeys.Keys.Count)
            throw new CommandException("one root key is given twice", ExitCode.Usage);
        if (rootKeys.Threshold < 1 || rootKeys.Threshold > rootKeys.Keys.Count)
            throw new CommandException($"--threshold is 1 to {rootKeys.Keys.Count}, the number of root keys", ExitCode.Usage);
        if (rootKeys.Signers.Count < rootKeys.Threshold)
            throw new CommandException($"the first trust root is signed now by {rootKeys.Threshold} private root keys, "
                + $"{rootKeys.Signers.Count} are given", ExitCode.Usage);
    }

    private static Command Show(HubConnection connection)
    {
        var format = HubCall.FormatOption();
        var command = new Command("show", "Show every version of the trust root: its keys, its threshold, since when.") { format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var trust = await hub.GetAsync("api/v1/trust", stop);
            HubCall.Show(parsed, parsed.GetValue(format), trust, output => Write(output, trust));
        });
        return command;
    }

    private static void Write(TextWriter output, JsonElement trust)
    {
        foreach (var version in trust.GetProperty("versions").EnumerateArray())
        {
            output.WriteLine($"version {version.Text("version")} since {HubCall.Time(version.Text("since"))}, {version.Text("digest")}");
            var count = version.GetProperty("rootKeys").GetArrayLength();
            output.WriteLine($"  {version.Text("threshold")} of {count} root keys sign");
            foreach (var use in (string[])["root", "release", "beacon"])
            {
                foreach (var key in version.GetProperty($"{use}Keys").EnumerateArray()) output.WriteLine($"  {use,-8} {key.GetString()}");
            }
        }
    }
}
