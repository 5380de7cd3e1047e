namespace Capillary.EdgeAgent.Commands;

/// <summary><c>capillary-edge status</c>.</summary>
internal static class StatusCommand
{
    public static int Run(EdgeOptions options, DateTimeOffset now)
    {
        var look = SiteLook.Of(options.Data);
        return EdgeCommands.Print(options.Json ? SiteLookText.ToJson(look) : SiteLookText.ToText(look, now), look.Judge().State switch
        {
            Wellness.Well => 0,
            Wellness.OnItsWay => 3,
            _ => 1,
        });
    }
}
