namespace Capillary.EndToEnd.Network;

/// <summary>A fleet whose only service writes one line to a file each time it is really applied: a real count of applies.</summary>
internal static class MarkerFleet
{
    /// <summary>The file below a site's root: one number a line.</summary>
    public const string Log = "applied.log";

    /// <summary>What the fleet's variable <c>round</c> is at first; the service writes its value.</summary>
    public const int FirstRound = 100;

    private const string Gateway = "apps/instrument-gateway";
    private const string Template = """
        apiVersion: capillary.dev/v1
        kind: File
        metadata:
          name: program
        spec:
          path: bin/marker
          contentFrom:
            artifact: instrument-gateway
        ---
        apiVersion: capillary.dev/v1
        kind: Service
        metadata:
          name: marker
        spec:
          user: lab
          command: [bin/marker]
          environment:
            ROUND: "{{ vars.round }}"
          restart:
            policy: always

        """;

    public static Task PrepareAsync(FleetRepository repository, CancellationToken stop)
    {
        File.Delete(Path.Combine(repository.Folder, Gateway, "templates", "gateway.json.j2"));
        File.WriteAllText(Path.Combine(repository.Folder, Gateway, "artifacts", "instrument-gateway"),
            $"#!/bin/sh\necho \"$ROUND\" >> {Log}\nexec sleep 1000000\n");
        repository.Edit($"{Gateway}/app.yaml", text =>
            text.Replace("  variables:\n", "  variables:\n    round:\n      type: integer\n      required: true\n"));
        repository.Edit($"{Gateway}/templates/gateway.yaml", _ => Template);
        // Without a canary, so that every site applies while its region dies.
        repository.Edit("rollouts/default.yaml", text => text[..text.IndexOf("    - name: canary", StringComparison.Ordinal)]
            + text[text.IndexOf("    - name: everyone", StringComparison.Ordinal)..]);
        repository.Edit("fleet.yaml", text => text.Replace("  variables:\n", $"  variables:\n    round: {FirstRound}\n"));
        return repository.CommitAsync("a marker instead of the gateway", stop);
    }
}
