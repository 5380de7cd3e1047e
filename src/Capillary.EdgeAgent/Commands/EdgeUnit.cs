using Capillary.EdgeAgent.Apply.Host;
using Capillary.Node.Install;

namespace Capillary.EdgeAgent.Commands;

/// <summary>
/// The agent's systemd unit. What limits the agent limits the site's services too, for they are started from it: so nothing here changes
/// their view of the file system, their devices or their memory.
/// </summary>
internal static class EdgeUnit
{
    public static string Text(string program, string data) => $"""
        # Written by 'capillary-edge install', which writes it anew; for changes of your own: systemctl edit capillary-edge
        [Unit]
        Description=Capillary edge agent
        # Wanted, not required: without a network the site goes on from its own disk.
        Wants=network-online.target
        After=network-online.target
        # However often it ends, it is started again.
        StartLimitIntervalSec=0
        # A node that has not joined has nothing to run.
        ConditionPathExists={UnitText.Path(data)}/node.json

        [Service]
        Type=exec
        ExecStart={UnitText.Argument(program)} run --data {UnitText.Argument(data)}
        Restart=always
        RestartSec=2
        # Only the agent: the site's services outlive it, and the next agent finds them.
        KillMode=process
        # A service that is out of memory is the agent's to restart, and no reason to end the agent.
        OOMPolicy=continue
        # Services count here too.
        TasksMax=infinity
        LimitNOFILE=65536

        # Root, as services run under accounts of their own, with no more of root's power than that takes: files of any owner, becoming
        # another account, ending its processes and reading their marks, ports below 1024 for services that may have them.
        {AgentWalls.Capabilities}
        {AgentWalls.Others}

        [Install]
        WantedBy=multi-user.target

        """;
}
