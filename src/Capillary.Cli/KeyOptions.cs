using System.CommandLine;
using System.Globalization;
using Capillary.Core.Protocol;
using Capillary.HubNode;

namespace Capillary.Cli;

/// <summary>The options of a node that says how keys are treated.</summary>
internal sealed class KeyOptions
{
    private readonly Option<TimeSpan> lifetime = new("--key-lifetime")
    {
        Description = "From what age on an identity key is replaced, such as 90d, 12h or 30m; 1m to 3653d (default: 90d).",
        HelpName = "time",
        CustomParser = result =>
        {
            if (Duration(result.Tokens[0].Value) is { } time) return time;
            result.AddError($"--key-lifetime {result.Tokens[0].Value}: write 1m to 3653d, such as 90d, 12h or 30m");
            return default;
        },
    };

    private readonly Option<int?> atOnce = new("--successions")
    {
        Description = "The most nodes that are asked for a new key at one time, 1 to 10000 (default: 100).",
    };

    private readonly Option<TwoSessionsPolicy> twoSessions = TwoSessionsOption();

    /// <summary>Who stays when two machines are at work with one key.</summary>
    public static Option<TwoSessionsPolicy> TwoSessionsOption() => new("--two-sessions")
    {
        Description = "Who stays when two machines are at work with one key, which is a copy: newest, oldest or none (default: newest).",
        HelpName = "who",
        CustomParser = result =>
        {
            switch (result.Tokens[0].Value)
            {
                case "newest": return TwoSessionsPolicy.NewestStays;
                case "oldest": return TwoSessionsPolicy.OldestStays;
                case "none": return TwoSessionsPolicy.NoneStays;
                default:
                    result.AddError($"--two-sessions {result.Tokens[0].Value}: use newest, oldest or none");
                    return default;
            }
        },
    };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[lifetime, atOnce, twoSessions]) command.Options.Add(option);
    }

    public HubOptions Apply(ParseResult parsed, HubOptions options) => options with
    {
        KeyLifetime = parsed.GetResult(lifetime) is null ? options.KeyLifetime : parsed.GetValue(lifetime),
        SuccessionsAtOnce = parsed.GetValue(atOnce) ?? options.SuccessionsAtOnce,
        TwoSessions = parsed.GetValue(twoSessions),
    };

    private static TimeSpan? Duration(string text)
    {
        if (text.Length < 2 || !int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
        TimeSpan? time = text[^1] switch
        {
            'd' when number <= 3653 => TimeSpan.FromDays(number),
            'h' when number <= 3653 * 24 => TimeSpan.FromHours(number),
            'm' when number <= 3653 * 24 * 60 => TimeSpan.FromMinutes(number),
            _ => null,
        };
        return time >= TimeSpan.FromMinutes(1) ? time : null;
    }
}
