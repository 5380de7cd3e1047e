using System.Globalization;
using System.Text;
using Capillary.Core.Apply;
using Capillary.EdgeAgent.Interlock;

namespace Capillary.EdgeAgent.Commands;

/// <summary><c>hold</c>, <c>unhold</c> and <c>holds</c>: the interlock by hand, over the same socket as workloads use.</summary>
internal static class HoldCommands
{
    private const int UnderWay = 3;

    public static async Task<int> HoldAsync(EdgeOptions options, string reason, CancellationToken stop)
    {
        var name = options.Name ?? Hold.DefaultName;
        var (answer, line) = await HoldCall.AskAsync(options.Data, new HoldRequest
        {
            V = HoldRequest.CurrentVersion, Do = "hold", Name = name, Reason = reason, MaxSeconds = options.MaxSeconds,
        }, stop);
        var hold = answer.Holds?.FirstOrDefault(hold => hold.Name == name);
        var until = name == Hold.DefaultName ? "capillary-edge unhold" : $"capillary-edge unhold --name {name}";
        EdgeCommands.Print(options.Json ? line : $"{(hold is null ? $"hold '{name}'" : Text(hold))}\nno update begins here until: {until}");
        if (answer.Applying != true) return 0;
        return EdgeCommands.Fail(UnderWay, "an update is being applied right now and is finished first: do not begin yet; "
            + "give the same command again, it ends with 0 when the update is done");
    }

    public static async Task<int> UnholdAsync(EdgeOptions options, CancellationToken stop)
    {
        var name = options.Name ?? Hold.DefaultName;
        var (answer, line) = await HoldCall.AskAsync(options.Data, new HoldRequest
        {
            V = HoldRequest.CurrentVersion, Do = "unhold", Name = name,
        }, stop);
        if (options.Json) return EdgeCommands.Print(line);
        var left = answer.Holds is { Count: > 0 } holds ? $"still held by {string.Join(", ", holds.Select(hold => hold.Name))}"
            : "nothing holds this site";
        if (answer.Ended == true) return EdgeCommands.Print($"hold '{name}' is over; {left}");
        // Ended twice is ended; but a mistyped name, and an operator's override, should not pass unseen.
        return EdgeCommands.Fail(0, $"there is no hold '{name}': it was ended before, or overridden by an operator after its max; {left}");
    }

    public static async Task<int> ListAsync(EdgeOptions options, CancellationToken stop)
    {
        var (answer, line) = await HoldCall.AskAsync(options.Data, new HoldRequest { V = HoldRequest.CurrentVersion, Do = "list" }, stop);
        return EdgeCommands.Print(options.Json ? line : Text(answer));
    }

    internal static string Text(HoldAnswer answer)
    {
        var text = new StringBuilder();
        foreach (var hold in answer.Holds ?? []) text.Append(Text(hold)).Append('\n');
        if (answer.Holds is not { Count: > 0 }) text.Append("nothing holds this site\n");
        if (answer.Waiting == true) text.Append("an update waits until nothing holds this site\n");
        if (answer.Applying == true) text.Append("an update is being applied right now\n");
        return text.ToString().TrimEnd('\n');
    }

    /// <summary>A max as it is typed: <c>90m</c>, <c>2h</c>, <c>120s</c>; null: it is none.</summary>
    internal static int? Seconds(string text)
    {
        var unit = text.Length > 0 ? text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 } : 0;
        return unit > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && (long)count * unit is >= Hold.LeastMax and <= Hold.MostMax ? count * unit : null;
    }

    private static string Text(HoldView hold) =>
        $"{new Hold(hold.Name, hold.Reason, hold.MaxSeconds, hold.Since)}{(hold.Overdue ? " [overdue]" : "")}";
}
