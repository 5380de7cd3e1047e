using System.Text.Json;
using Capillary.Core.Bundles;

namespace Capillary.Core.Apply;

/// <summary>
/// Reads a host object's JSON, the same at compile (where an error gets its line) and at the site (where nothing is believed).
/// </summary>
public static class HostObjectReader
{
    /// <summary>The <c>apiVersion</c> of every Capillary document.</summary>
    public const string ApiVersion = "capillary.dev/v1";

    private const int MaxPath = 1024;

    /// <summary>Null when <paramref name="errors"/> has got an entry.</summary>
    public static HostObject? Read(JsonElement element, List<ObjectError> errors)
    {
        var before = errors.Count;
        var root = new ObjectFields(element, "$", errors);
        if (!root.IsObject) return null;
        var version = root.Text("apiVersion", required: true);
        if (version is not null && version != ApiVersion) root.Error("apiVersion", $"expected '{ApiVersion}', found '{version}'");
        var kind = root.Text("kind", required: true);
        var metadata = root.Object("metadata", required: true);
        var name = metadata?.Label("name") ?? "";
        metadata?.RejectUnknown();
        var spec = root.Object("spec", required: true);
        root.RejectUnknown();
        HostObject? result = (kind, spec) switch
        {
            (null, _) or (_, null) => null,
            ("File", { } fields) => File(name, fields),
            ("Service", { } fields) => Service(name, fields),
            _ => null,
        };
        if (kind is not (null or "File" or "Service"))
            root.Error("kind", $"'{kind}' is not a kind that a host site runs; use File or Service");
        return errors.Count == before ? result : null;
    }

    /// <summary>What is wrong with a path that an object names, or null.</summary>
    public static string? PathProblem(string path) =>
        path.Length is 0 or > MaxPath ? $"a path has 1 to {MaxPath} characters"
        : path.Contains('\0') || path.Contains('\\') ? "a path holds no NUL and no backslash"
        : path.Split('/').Any(segment => segment is ".." or ".") ? "a path holds no '.' or '..' segment"
        : path.Contains("//", StringComparison.Ordinal) || path.EndsWith('/') ? "a path holds no empty segment"
        : null;

    private static FileObject File(string name, ObjectFields spec)
    {
        var path = Path(spec, "path", required: true);
        var mode = Mode(spec);
        var owner = spec.Text("owner");
        var source = Source(spec);
        spec.RejectUnknown();
        return new FileObject(name, path ?? "", mode, owner, source);
    }

    private static string? Path(ObjectFields spec, string field, bool required = false)
    {
        var path = spec.Text(field, required);
        if (path is not null && PathProblem(path) is { } problem) spec.Error(field, $"'{path}': {problem}");
        return path;
    }

    private static int Mode(ObjectFields spec)
    {
        if (spec.Text("mode") is not { } text) return 0x1A4; // 0644
        var isOctal = text.Length is 3 or 4 && text.All(c => c is >= '0' and <= '7');
        if (isOctal && Convert.ToInt32(text, 8) is var mode and <= 0x1FF) return mode;
        spec.Error("mode", $"'{text}' is not a mode: expected octal text from \"0000\" to \"0777\"");
        return 0x1A4;
    }

    private static FileSource Source(ObjectFields spec)
    {
        var inline = spec.Text("content");
        var from = spec.Object("contentFrom");
        if (inline is null == from is null) spec.Error("content", "give exactly one of content and contentFrom");
        if (from is null) return new FileSource.Inline(inline ?? "");
        var file = from.Text("file");
        var artifact = from.Text("artifact");
        from.RejectUnknown();
        if (file is null == artifact is null) from.Error("", "give exactly one of file and artifact");
        if (file is not null) return new FileSource.Rendered(file);
        if (Digest.TryParse(artifact, out var digest)) return new FileSource.Artifact(digest);
        if (artifact is not null) from.Error("artifact", $"'{artifact}' is not the name of an artifact of this app");
        return new FileSource.Inline("");
    }

    private static ServiceObject Service(string name, ObjectFields spec)
    {
        var user = spec.Text("user", required: true) ?? "";
        var command = spec.Texts("command", required: true);
        if (spec.Has("command") && (command.Count == 0 || command[0].Length == 0)) spec.Error("command", "names no program");
        if (command.Any(part => part.Contains('\0'))) spec.Error("command", "holds a NUL");
        var environment = spec.Map("environment");
        foreach (var (key, value) in environment)
        {
            if (key.Length == 0 || key.Contains('=') || key.Contains('\0') || value.Contains('\0'))
                spec.Error($"environment.{key}", "is not a valid environment variable");
        }
        var folder = Path(spec, "workingDirectory");
        var restart = Restart(spec.Object("restart"));
        var logs = Logs(spec.Object("logs"));
        var health = Health(spec.Object("health"));
        var stop = spec.Number("stopSeconds", 1, 600, 10);
        spec.RejectUnknown();
        return new ServiceObject(name, user, command, environment, folder, restart, logs, health, stop);
    }

    private static RestartPolicy Restart(ObjectFields? fields)
    {
        if (fields is null) return RestartPolicy.Default;
        var text = fields.Text("policy") ?? "always";
        RestartWhen? when = text switch
        {
            "always" => RestartWhen.Always,
            "onFailure" => RestartWhen.OnFailure,
            "never" => RestartWhen.Never,
            _ => null,
        };
        if (when is null) fields.Error("policy", $"'{text}' is not one of always, onFailure, never");
        var first = fields.Number("backoffSeconds", 1, 3600, 1);
        var most = fields.Number("maxBackoffSeconds", 1, 86_400, Math.Max(60, first));
        fields.RejectUnknown();
        return new RestartPolicy(when ?? RestartWhen.Always, first, Math.Max(first, most));
    }

    private static LogPolicy Logs(ObjectFields? fields)
    {
        if (fields is null) return LogPolicy.Default;
        var size = fields.Number("maxBytes", 4096, 1 << 30, 10 << 20);
        var keep = fields.Number("keep", 0, 100, 3);
        fields.RejectUnknown();
        return new LogPolicy(size, keep);
    }

    private static HealthProbe? Health(ObjectFields? fields)
    {
        if (fields is null) return null;
        var interval = fields.Number("intervalSeconds", 1, 3600, 5);
        var timeout = fields.Number("timeoutSeconds", 1, 300, 2);
        var threshold = fields.Number("failureThreshold", 1, 100, 3);
        var http = fields.Object("http");
        var tcp = fields.Object("tcp");
        var exec = fields.Object("exec");
        fields.RejectUnknown();
        if (new[] { http, tcp, exec }.Count(probe => probe is not null) != 1) fields.Error("", "give exactly one of http, tcp and exec");
        HealthProbe? probe = null;
        if (http is not null) probe = new HealthProbe.Http(Port(http), HttpPath(http), interval, timeout, threshold);
        if (tcp is not null) probe = new HealthProbe.Tcp(Port(tcp), interval, timeout, threshold);
        if (exec is not null) probe = new HealthProbe.Exec(exec.Texts("command", required: true), interval, timeout, threshold);
        http?.RejectUnknown();
        tcp?.RejectUnknown();
        exec?.RejectUnknown();
        if (probe is HealthProbe.Exec { Command: [] }) exec!.Error("command", "names no program");
        return probe;
    }

    private static int Port(ObjectFields fields) => fields.Number("port", 1, 65_535, null);

    private static string HttpPath(ObjectFields fields)
    {
        var path = fields.Text("path") ?? "/";
        if (!path.StartsWith('/') || path.Any(c => c is <= ' ' or > '~'))
            fields.Error("path", $"'{path}' is not a URL path: begin with '/'");
        return path;
    }
}
