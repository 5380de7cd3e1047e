namespace Capillary.EdgeAgent.Commands;

/// <summary>The help texts.</summary>
internal static class Usage
{
    public const string All = """
        capillary-edge: keeps this site at what its hub signed for it

          capillary-edge doctor FILE.join     tests the way from here to the parent, and says in words what fails
          capillary-edge join FILE.join       joins a fleet with the file of 'capillary site enroll NAME --out FILE'
          capillary-edge join CODE --parent HOST
                                              the same with the code alone; 'join -' reads the code from stdin
          capillary-edge install              lets systemd run the agent for ever; again with a newer one, it upgrades
          capillary-edge status               how this site is: link, bundle, conditions
          capillary-edge hold --reason TEXT   "not now": no update begins here until 'capillary-edge unhold'; 'holds' shows who holds
          capillary-edge import DIR           takes in what 'capillary site export' wrote for this site on a stick
          capillary-edge receipts DIR         leaves this site's last signed report on the stick, for 'capillary site receive'
          capillary-edge uninstall            takes the agent away; --purge also what it keeps and what it runs
          capillary-edge run                  runs the agent here until it is stopped; services run on
          capillary-edge version

          --data DIR   the agent's folder (default /var/lib/capillary-edge)

        The options of one command: capillary-edge COMMAND --help
        """;

    private const string Network = """
              --proxy http://USER:PASSWORD@HOST:PORT
                           the HTTP proxy that machines here must use
              --proxy-password-file FILE
                           its password is the first line of FILE ('-': of stdin), and stands in no shell history
        """;

    private const string AllowList = """
              --root DIR   a folder below which bundles may put files (default DATA/root); may be given again
              --user NAME=ACCOUNT
                           a user name that services are written with, and the local account that it stands for; may be given
                           again; without one, no service may run here
              --allow-root let a --user be root here
        """;

    private const string Cluster = """
              --kubeconfig FILE
                           apply to this Kubernetes cluster, not to this machine
              --in-cluster the same, for the cluster of the pod that the agent runs in ('capillary site manifest NAME')
        """;

    private const string Join = $"""
        capillary-edge join FILE.join [options]
        capillary-edge join CODE --parent HOST[:PORT] [options]
        capillary-edge join - --parent HOST[:PORT] [options]
          Joins a fleet, once, and writes the site's allow-list DATA/edge.json, which can be edited later.
          Where the fleet asks for it, waits until an operator approves; the same command goes on with an ended wait.

              --parent HOST
                           the region's address, with a code (default port 443); may be given again
        {Network}
        {AllowList}
        {Cluster}
              --max-rate RATE
                           the most that the link may take of this network, such as 2MB/s (default: no limit)
              --quiet-hours HH:MM-HH:MM
                           when big downloads wait, by this machine's clock; several with commas between
              --data DIR   the agent's folder (default /var/lib/capillary-edge)
        """;

    private const string Install = $"""
        capillary-edge install [options]
          Copies this executable to its place, writes the systemd unit, and starts it. Run it again to repair, or with a newer
          executable to upgrade: services run on meanwhile. Needs root.

              --print      show the unit and change nothing
              --bin DIR    where the executable goes (default /usr/local/bin)
              --no-start   write and enable it, and start it with the next boot only
        {AllowList}
              --data DIR   the agent's folder (default /var/lib/capillary-edge)
        """;

    private const string Uninstall = """
        capillary-edge uninstall [--purge] [--bin DIR] [--data DIR]
          Stops the agent and removes unit and executable. What it keeps stays, and services run on. Needs root.

              --purge      also end the services and remove the agent's folder with all in it: its key, what was applied, and what
                           services keep below DATA/root. It cannot be undone
        """;

    private const string Doctor = $"""
        capillary-edge doctor [FILE.join] [options]
        capillary-edge doctor --parent HOST[:PORT] [options]
          Tests in turn: name (DNS), proxy, port, TLS interception, parent, clock, long packets (path MTU). Says which fails and
          what to do. Before joining it takes the join file, after it nothing. Exit code 0: the way is good, 1: it is not.

        {Network}
              --data DIR   the agent's folder (default /var/lib/capillary-edge)
              -o json      for programs
        """;

    private const string Status = """
        capillary-edge status [--data DIR] [-o json]
          Says how this site is. Exit code 0: well; 1: it needs a look; 3: on its way (nothing assigned yet, still applying, or held).
        """;

    private const string Hold = """
        capillary-edge hold --reason TEXT [--name NAME] [--max TIME] [--data DIR] [-o json]
        capillary-edge hold --list [--data DIR] [-o json]
          Says "not now": updates are fetched and none begins until 'capillary-edge unhold'. The hub shows the reason, so it holds no
          patient data. The same name again replaces reason and max, and keeps the time since when it holds.
          Exit code 0: held, and nothing is being applied; 3: held, but an update that was under way is still being finished, so
          do not begin yet and give the command again; 1: not held.

              --reason TEXT
                           why, in 1 to 200 characters
              --name NAME  tells several holds of a site apart (default "default"); it is held while any stands
              --max TIME   1m to 24h, such as 90m or 2h (default 1h). It does not end by itself then, but an operator may override it
              --list       show the holds, as 'capillary-edge holds' does
              --data DIR   the agent's folder (default /var/lib/capillary-edge)
              -o json      for programs
        """;

    private const string Unhold = """
        capillary-edge unhold [--name NAME] [--data DIR] [-o json]
          Ends a hold. When it was the last one, an update that waits begins at once.

              --name NAME  the hold's name (default "default")
              --data DIR   the agent's folder (default /var/lib/capillary-edge)
              -o json      for programs
        """;

    private const string Holds = """
        capillary-edge holds [--data DIR] [-o json]
          Shows who holds, since when and why, and whether an update waits or is being applied.
        """;

    private const string Import = """
        capillary-edge import DIR [--wait] [--minutes N] [--data DIR]
          Takes in what 'capillary site export' wrote for this site, by the same rules as a link; DIR is the stick, or a folder on it.

              --wait       wait until the site is healthy on it or says why not, and leave a receipt in DIR/receipts
              --minutes N  how long to wait at most (default 10)
        """;

    private const string Receipts = """
        capillary-edge receipts DIR [--data DIR]
          Leaves this site's last signed report in DIR/receipts, for 'capillary site receive'.
        """;

    private const string Run = $"""
        capillary-edge run [--data DIR] [--join FILE.join] [--kubeconfig FILE | --in-cluster] [--verbose]
          Runs the agent until it is stopped; what it applied runs on. 'capillary-edge install' lets systemd do it.

              --join FILE  joins with this file first, when the folder has not joined yet
        {Cluster}
              --data DIR   the agent's folder (default /var/lib/capillary-edge)
        """;

    /// <summary>The help of a command, or of all.</summary>
    public static string Of(string? command) => command switch
    {
        "join" => Join,
        "install" => Install,
        "uninstall" => Uninstall,
        "doctor" => Doctor,
        "status" => Status,
        "hold" => Hold,
        "unhold" => Unhold,
        "holds" => Holds,
        "import" => Import,
        "receipts" => Receipts,
        "run" => Run,
        _ => All,
    };
}
