using System.CommandLine;
using Capillary.Core.Trust;

namespace Capillary.Cli;

/// <summary><c>capillary trust rotate</c>, <c>sign</c> and <c>submit</c>: the next version of the trust root.</summary>
internal static class TrustRotateCommand
{
    public static Option<string[]> RootKeyOption(string description) =>
        new("--root-key") { Description = description, HelpName = "FILE", AllowMultipleArgumentsPerToken = true };

    public static Command Rotate(HubConnection connection)
    {
        var release = new Option<bool>("--release") { Description = "A new release key, made at the hub; the old one counts no more." };
        var beacon = new Option<bool>("--beacon") { Description = "A new beacon key, made at the hub." };
        var rootKeys = RootKeyOption("A root key of the next version, private or .pub; given together they replace all (default: as they "
            + "are).");
        var threshold = new Option<int?>("--threshold") { Description = "How many root keys sign from then on (default: as it is)." };
        var after = new Option<string[]>("--after") { Description = "For a hub that came back from before a rotation: the trust roots that "
            + "it lacks, trust/root-N.json of a region's folder. New release and beacon keys come with it.", HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true };
        var sign = new Option<string[]>("--sign") { Description = "A private root key that signs now, of the old or the new version.",
            HelpName = "FILE", AllowMultipleArgumentsPerToken = true };
        var file = new Option<string?>("--out") { Description = "Where the next trust root goes while signatures are missing (default: "
            + "trust-root-N.json)." };
        var command = new Command("rotate", "Replace release, beacon or root keys. In force once enough root keys of the old and of "
            + "the new version have signed.") { release, beacon, rootKeys, threshold, after, sign, file };
        command.Do(connection, async (hub, parsed, stop) => await AtFilesAsync(async () =>
        {
            var given = parsed.GetValue(rootKeys) ?? [];
            IReadOnlyList<PublicKey>? keys = given.Length == 0 ? null : [.. given.Select(path => RootKeyFile.Read(path).Public)];
            var signers = (parsed.GetValue(sign) ?? []).Select(RootKeyFile.ReadPrivate).ToList();
            IReadOnlyList<Envelope> lacking = [.. (parsed.GetValue(after) ?? []).Select(path => Envelope.Parse(File.ReadAllBytes(path)))
                .OrderBy(root => TrustRoot.Parse(root).Version)];
            var wish = (Release: parsed.GetValue(release) || lacking.Count > 0, Beacon: parsed.GetValue(beacon) || lacking.Count > 0,
                Threshold: parsed.GetValue(threshold));
            var answer = await hub.PostAsync("api/v1/trust/prepare",
                new { wish.Release, wish.Beacon, rootKeys = keys, wish.Threshold, after = lacking.Select(root => root.ToBytes()) }, stop);
            var next = new TrustFile(Envelope.Parse(answer.GetProperty("current").GetBytesFromBase64()),
                new Envelope(PayloadTypes.TrustRoot, answer.GetProperty("payload").GetBytesFromBase64(), [])) { After = lacking };
            next.RequireOnly(wish.Release, wish.Beacon, keys, wish.Threshold);
            foreach (var key in signers) next = next.Sign(key);
            await SubmitOrKeepAsync(hub, parsed, next, parsed.GetValue(file) ?? $"trust-root-{next.NextRoot.Version}.json", stop);
        }));
        return command;
    }

    public static Command Sign()
    {
        var file = new Argument<string>("FILE") { Description = "The file of 'capillary trust rotate'." };
        var key = new Option<string>("--key") { Description = "A private root key.", HelpName = "FILE", Required = true };
        var command = new Command("sign", "Sign a next trust root with a root key; needs no hub.") { file, key };
        command.DoLocal(parsed =>
        {
            var (path, output) = (parsed.GetValue(file)!, parsed.InvocationConfiguration.Output);
            var signed = TrustFile.Read(path).Sign(RootKeyFile.ReadPrivate(parsed.GetValue(key)!));
            signed.Write(path);
            foreach (var line in signed.Changes()) output.WriteLine(line);
            output.WriteLine(Next(path, signed));
        });
        return command;
    }

    public static Command Submit(HubConnection connection)
    {
        var file = new Argument<string>("FILE") { Description = "The signed file." };
        var command = new Command("submit", "Put a signed trust root into force.") { file };
        command.Do(connection, async (hub, parsed, stop) => await AtFilesAsync(async () =>
        {
            var signed = TrustFile.Read(parsed.GetValue(file)!);
            if (signed.Missing() is { } missing) throw new CommandException($"{missing}; {Next(parsed.GetValue(file)!, signed)}");
            await SubmitAsync(hub, parsed, signed, stop);
        }));
        return command;
    }

    private static async Task SubmitOrKeepAsync(HubClient hub, ParseResult parsed, TrustFile next, string path, CancellationToken stop)
    {
        if (next.Missing() is null)
        {
            await SubmitAsync(hub, parsed, next, stop);
            return;
        }
        next.Write(path);
        var output = parsed.InvocationConfiguration.Output;
        foreach (var line in next.Changes()) await output.WriteLineAsync(line);
        await output.WriteLineAsync(Next(path, next));
    }

    private static async Task SubmitAsync(HubClient hub, ParseResult parsed, TrustFile signed, CancellationToken stop)
    {
        var done = await hub.PostAsync("api/v1/trust/submit", new { envelope = signed.Next.ToBytes(),
            after = signed.After.Select(root => root.ToBytes()) }, stop);
        await parsed.InvocationConfiguration.Output.WriteLineAsync(
            $"trust root version {done.Text("version")} is in force; {done.Text("records")} records were signed anew\n"
            + "make a new backup of the hub's folder now: an older one holds keys that count no more");
    }

    private static string Next(string path, TrustFile file) => file.Missing() is { } missing
        ? $"{missing}; go on with: capillary trust sign {path} --key KEYFILE"
        : $"enough root keys have signed; put it into force with: capillary trust submit {path}";

    private static async Task AtFilesAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or TrustFormatException)
        {
            throw new CommandException(e.Message);
        }
    }
}
