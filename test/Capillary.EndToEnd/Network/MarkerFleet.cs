namespace Capillary.EndToEnd.Network;

/// <summary>A fleet whose only service writes one line to a file each time it is really applied: a real count of applies.</summary>
internal static class MarkerFleet
{
    /// <summary>The file below a site's root: one number a line.</summary>
    public const string Log = "applied.log";

    public static Task PrepareAsync(FleetRepository repository, CancellationToken stop)
    {
        Directory.Delete(Path.Combine(repository.Folder, "apps", "instrument-gateway"), recursive: true);
        repository.Edit("apps/site-notice/app.yaml", text => text.Replace("  after: [instrument-gateway]\n", ""));
        Write(repository, "artifacts/marker", $"#!/bin/sh\necho \"$ROUND\" >> {Log}\nexec sleep 1000000\n");
        Write(repository, "app.yaml", """
            apiVersion: capillary.dev/v1
            kind: App
            metadata:
              name: marker
            spec:
              placement:
                selector: {}
                platforms: [host]
              variables:
                result_retention_days:
                  type: integer
                  required: true
              artifacts:
                marker:
                  path: artifacts/marker
                  executable: true
              health:
                deadlineSeconds: 30

            """);
        Write(repository, "templates/marker.yaml", """
            apiVersion: capillary.dev/v1
            kind: File
            metadata:
              name: program
            spec:
              path: bin/marker
              contentFrom:
                artifact: marker
            ---
            apiVersion: capillary.dev/v1
            kind: Service
            metadata:
              name: marker
            spec:
              user: lab
              command: [bin/marker]
              environment:
                ROUND: "{{ vars.result_retention_days }}"
              restart:
                policy: always

            """);
        return repository.CommitAsync("a marker instead of the gateway", stop);
    }

    private static void Write(FleetRepository repository, string file, string text)
    {
        var path = Path.Combine(repository.Folder, "apps", "marker", file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
