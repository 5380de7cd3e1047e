using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>
/// Reads a kubeconfig (<c>v1 Config</c>). Commands that it names are never run: a file from a cluster must not start programs here.
/// </summary>
internal static class KubeConfigFile
{
    private const long MaxBytes = 1 << 20;

    /// <param name="path">The file.</param>
    /// <param name="space">Where the agent keeps its own objects.</param>
    /// <exception cref="InvalidDataException">It cannot be read or used; says where and what to do.</exception>
    public static KubeConnection Load(string path, string space = KubeConnection.DefaultNamespace)
    {
        var file = new FileInfo(path);
        if (!file.Exists) throw new InvalidDataException($"{path}: no such file; give the kubeconfig of the cluster as --kubeconfig FILE");
        if (file.Length > MaxBytes) throw new InvalidDataException($"{path}: {file.Length} bytes are no kubeconfig");
        try
        {
            using var text = new StreamReader(path);
            var yaml = new YamlStream();
            yaml.Load(text);
            if (yaml.Documents is not [{ RootNode: YamlMappingNode root }]) throw new InvalidDataException($"{path}: holds no kubeconfig");
            return Read(path, root, space);
        }
        catch (YamlException e)
        {
            throw new InvalidDataException($"{path}:{e.Start.Line}:{e.Start.Column}: {e.Message}", e);
        }
        catch (Exception e) when (e is CryptographicException or FormatException or UriFormatException)
        {
            throw new InvalidDataException($"{path}: a certificate, key or address in it cannot be read: {e.Message}", e);
        }
    }

    private static KubeConnection Read(string path, YamlMappingNode root, string space)
    {
        var current = Text(root, "current-context") ?? throw new InvalidDataException(
            $"{path}: current-context is not set; choose one: kubectl config use-context NAME");
        var context = Named(path, root, "contexts", "context", current);
        var cluster = Named(path, root, "clusters", "cluster", Text(context, "cluster") ?? "");
        var user = Text(context, "user") is { Length: > 0 } name ? Named(path, root, "users", "user", name) : [];
        Refuse(path, cluster, user);
        var server = new Uri(Text(cluster, "server") ?? throw new InvalidDataException($"{path}: the cluster has no server"));
        if (server.Scheme != Uri.UriSchemeHttps) throw new InvalidDataException($"{path}: server: '{server}' is not an https: address");
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return new KubeConnection(server, Authorities(cluster, folder), Text(cluster, "tls-server-name"), Client(path, user, folder),
            Token(user, folder), space);
    }

    private static void Refuse(string path, YamlMappingNode cluster, YamlMappingNode user)
    {
        var problem = user.Children.ContainsKey("exec") ? "its user is an exec plugin, and the agent runs no commands that a file names; "
                + "make a service account and use its token: kubectl create token NAME --duration 8760h"
            : user.Children.ContainsKey("auth-provider") ? "its user needs an auth-provider, which Kubernetes itself gave up; use a token"
            : user.Children.ContainsKey("username") ? "its user has a password, which API servers take no longer; use a token"
            : Text(cluster, "insecure-skip-tls-verify") is "true"
                ? "insecure-skip-tls-verify would send our rights to anybody who answers; "
                + "give certificate-authority-data instead"
            : Text(cluster, "proxy-url") is { Length: > 0 } ? "proxy-url is not supported; the agent reaches its cluster directly"
            : null;
        if (problem is not null) throw new InvalidDataException($"{path}: {problem}");
    }

    private static X509Certificate2Collection? Authorities(YamlMappingNode cluster, string folder)
    {
        if (Pem(cluster, "certificate-authority", folder) is not { } pem) return null;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(pem);
        return authorities;
    }

    private static X509Certificate2? Client(string path, YamlMappingNode user, string folder)
    {
        if (Pem(user, "client-certificate", folder) is not { } certificate) return null;
        var key = Pem(user, "client-key", folder) ?? throw new InvalidDataException($"{path}: client-certificate without client-key");
        return X509Certificate2.CreateFromPem(certificate, key);
    }

    private static Func<string?> Token(YamlMappingNode user, string folder)
    {
        if (Text(user, "token") is { Length: > 0 } token) return () => token;
        return Text(user, "tokenFile") is { Length: > 0 } file ? new KubeConnection.TokenFile(Path.Combine(folder, file)).Read : () => null;
    }

    /// <summary>PEM text: from <c>NAME-data</c> in base64, or from the file that <c>NAME</c> names.</summary>
    private static string? Pem(YamlMappingNode fields, string name, string folder) =>
        Text(fields, $"{name}-data") is { Length: > 0 } data ? System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(data))
        : Text(fields, name) is { Length: > 0 } file ? File.ReadAllText(Path.Combine(folder, file)) : null;

    private static YamlMappingNode Named(string path, YamlMappingNode root, string list, string member, string name)
    {
        var found = root.Children.TryGetValue(list, out var items) && items is YamlSequenceNode sequence
            ? sequence.OfType<YamlMappingNode>().FirstOrDefault(item => Text(item, "name") == name) : null;
        return found is not null && found.Children.TryGetValue(member, out var value) && value is YamlMappingNode mapping ? mapping
            : throw new InvalidDataException($"{path}: {list}: there is none of the name '{name}'");
    }

    private static string? Text(YamlMappingNode fields, string name) =>
        fields.Children.TryGetValue(name, out var value) && value is YamlScalarNode scalar ? scalar.Value : null;
}
