using Capillary.Node.Install;

namespace Capillary.Cli;

/// <summary>A region node's systemd unit: it needs its folder, the network and nothing else of the machine.</summary>
internal static class RegionUnit
{
    public static string Text(string program, string data, string listen, string account) => $"""
        # Written by 'capillary region install', which writes it anew; for changes of your own: systemctl edit capillary-region
        [Unit]
        Description=Capillary region node
        # Wanted, not required: without a network the region still serves what it has.
        Wants=network-online.target
        After=network-online.target
        # However often it ends, it is started again.
        StartLimitIntervalSec=0
        # A node that has not joined has nothing to run.
        ConditionPathExists={UnitText.Path(data)}/node.json

        [Service]
        Type=exec
        User={account}
        ExecStart={UnitText.Argument(program)} region run --data {UnitText.Argument(data)} --listen {UnitText.Argument(listen)}
        Restart=always
        RestartSec=2
        TimeoutStopSec=20
        LimitNOFILE=65536
        UMask=0077

        # Port 443 and no other power.
        AmbientCapabilities=CAP_NET_BIND_SERVICE
        CapabilityBoundingSet=CAP_NET_BIND_SERVICE
        NoNewPrivileges=yes
        ProtectSystem=strict
        ReadWritePaths={UnitText.Argument(data)}
        ProtectHome={(IsBelowHome(data) ? "read-only" : "yes")}
        PrivateTmp=yes
        PrivateDevices=yes
        ProtectKernelTunables=yes
        ProtectKernelModules=yes
        ProtectKernelLogs=yes
        ProtectControlGroups=yes
        ProtectHostname=yes
        ProtectClock=yes
        ProtectProc=invisible
        RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        RemoveIPC=yes
        LockPersonality=yes
        SystemCallArchitectures=native
        SystemCallFilter=@system-service
        SystemCallFilter=~@privileged
        # .NET asks for some of them and does without.
        SystemCallErrorNumber=EPERM

        [Install]
        WantedBy=multi-user.target

        """;

    private static bool IsBelowHome(string data) =>
        data.StartsWith("/home/", StringComparison.Ordinal) || data.StartsWith("/root/", StringComparison.Ordinal);
}
