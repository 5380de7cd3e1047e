using System.Text;
using Capillary.Core.Bundles;
using Capillary.Fleet.Documents;

namespace Capillary.Benchmarks;

/// <summary>
/// A fleet repository of any size, the same on every machine: hosts in ten regions, a group per setting, and apps of a File, a Service
/// and a rendered configuration, each of which differs at every site (the worst case: nothing can be shared between sites).
/// </summary>
internal static class SyntheticFleet
{
    private const int Regions = 10;
    private static readonly string[] Settings = ["laboratory", "point-of-care", "ward"];

    /// <summary>All files by path.</summary>
    public static SortedDictionary<string, string> Files(int sites, int apps)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["fleet.yaml"] = $$"""
            {{Head("Fleet", "synthetic")}}spec:
              regions: [{{string.Join(", ", Enumerable.Range(0, Regions).Select(Region))}}]
              variables:
                log_level: info

            """,
        };
        for (var index = 0; index < Regions; index++)
            files[$"regions/{Region(index)}.yaml"] =
                $"{Head("Region", Region(index))}spec:\n  residency: r{index}\n  variables:\n    contact: \"desk {index}\"\n";
        foreach (var setting in Settings) files[$"groups/{setting}.yaml"] = Group(setting);
        for (var index = 0; index < apps; index++) App(files, $"app-{index}");
        for (var index = 0; index < sites; index++) files[SitePath(index)] = Site(index, 8000);
        return files;
    }

    /// <summary>The file of one site.</summary>
    public static string SitePath(int index) => $"sites/{Region(index % Regions)}/{SiteName(index)}.yaml";

    /// <summary>A site's document with another port: the smallest change there is.</summary>
    public static string Site(int index, int port) =>
        $$"""
        apiVersion: capillary.dev/v1
        kind: Site
        metadata:
          name: {{SiteName(index)}}
          labels:
            setting: {{Settings[index % Settings.Length]}}
            country: c{{index % 40}}
        spec:
          platform: host
          distribution: debian
          variables:
            facility_name: "Clinic {{index}}, building {{index % 7}}"
            port: {{port}}
            bed_count: {{index % 500}}

        """;

    /// <summary>As a reader would give it; ids are digests.</summary>
    public static FleetTree Tree(IEnumerable<KeyValuePair<string, string>> files) =>
        new(files.Select(pair => File(pair.Key, pair.Value)), []);

    private static TreeFile File(string path, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return new TreeFile(path, Digest.Of(bytes).Text, bytes.Length, bytes, null);
    }

    private static string Region(int index) => $"region-{index}";

    private static string SiteName(int index) => $"site-{index:D5}";

    private static string Head(string kind, string name) => $"apiVersion: capillary.dev/v1\nkind: {kind}\nmetadata:\n  name: {name}\n";

    private static string Group(string setting) =>
        $"""
        {Head("Group", setting)}spec:
          selector:
            matchLabels:
              setting: {setting}
          variables:
            banner: "for the {setting}"

        """;

    private static void App(SortedDictionary<string, string> files, string name)
    {
        files[$"apps/{name}/app.yaml"] = Head("App", name) + """
            spec:
              placement:
                selector: {}
                platforms: [host]
              variables:
                facility_name: {type: string, required: true}
                port: {type: integer, default: 8080}
                bed_count: {type: integer, default: 0}
                banner: {type: string, default: ""}
                contact: {type: string, default: ""}
                log_level: {type: enum, values: [debug, info, warning], default: info}

            """;
        files[$"apps/{name}/templates/objects.yaml"] = """
            apiVersion: capillary.dev/v1
            kind: File
            metadata:
              name: config
            spec:
              path: etc/{{ app.name }}.json
              contentFrom:
                file: config.json
            ---
            apiVersion: capillary.dev/v1
            kind: Service
            metadata:
              name: {{ app.name }}
            spec:
              user: lab
              command: [bin/{{ app.name }}, --config, etc/{{ app.name }}.json, --name, {{ vars.facility_name | tojson }}]
              environment:
                LOG_LEVEL: {{ vars.log_level }}
                SITE: {{ site.name }}
              restart:
                policy: always
              health:
                http:
                  port: {{ vars.port }}
                  path: /healthz
                intervalSeconds: 5

            """;
        files[$"apps/{name}/templates/config.json.j2"] = """
            {
              "site": {{ site.name | tojson }}, "region": {{ site.region | tojson }},
              "facility": {{ vars.facility_name | tojson }},
              "banner": {{ vars.banner | tojson }}, "contact": {{ vars.contact | tojson }},
            {% if vars.bed_count > 0 %}
              "beds": [{% for bed in range(1, 9) %}{{ bed }}{{ "" if loop.last else ", " }}{% endfor %}],
            {% endif %}
              "port": {{ vars.port }}
            }

            """;
    }
}
