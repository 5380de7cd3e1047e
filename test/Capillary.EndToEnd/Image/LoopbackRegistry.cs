using System.Net;
using System.Security.Cryptography;

namespace Capillary.EndToEnd.Image;

/// <summary>Holds one image for as long as the SDK needs it as a base: read only, on the loopback address (OCI distribution).</summary>
internal sealed class LoopbackRegistry : IAsyncDisposable
{
    private const string Repository = "capillary-base";
    private readonly HttpListener listener = new();
    private readonly Dictionary<string, (string Type, byte[] Content)> answers = new(StringComparer.Ordinal);
    private readonly Task serving;

    public LoopbackRegistry(BaseImage image)
    {
        var port = FleetRepository.FreePort();
        Name = $"localhost:{port}/{Repository}:1";
        foreach (var reference in (string[])["1", DigestOf(image.Manifest)])
            answers[$"/v2/{Repository}/manifests/{reference}"] = (BaseImage.ManifestType, image.Manifest);
        foreach (var blob in (byte[][])[image.Config, image.Layer])
            answers[$"/v2/{Repository}/blobs/{DigestOf(blob)}"] = ("application/octet-stream", blob);
        answers["/v2/"] = ("application/json", "{}"u8.ToArray());
        listener.Prefixes.Add($"http://localhost:{port}/");
        listener.Start();
        serving = ServeAsync();
    }

    /// <summary>The image's name for whoever pulls it.</summary>
    public string Name { get; }

    public async ValueTask DisposeAsync()
    {
        listener.Close();
        await serving;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext call;
            try
            {
                call = await listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
            using var response = call.Response;
            if (!answers.TryGetValue(call.Request.Url!.AbsolutePath, out var answer))
            {
                response.StatusCode = (int)HttpStatusCode.NotFound;
                continue;
            }
            response.ContentType = answer.Type;
            response.ContentLength64 = answer.Content.Length;
            response.Headers["Docker-Content-Digest"] = DigestOf(answer.Content);
            if (call.Request.HttpMethod == "GET") await response.OutputStream.WriteAsync(answer.Content);
        }
    }

    private static string DigestOf(byte[] content) => BaseImage.Digest(SHA256.HashData(content));
}
