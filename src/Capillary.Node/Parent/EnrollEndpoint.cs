using Capillary.Core.Protocol;
using Capillary.Node.Keys;
using Microsoft.AspNetCore.Http;

namespace Capillary.Node.Parent;

/// <summary>Where a node without a record may ask for one; the only path that needs none.</summary>
internal static class EnrollEndpoint
{
    private const int MaxRequestBytes = 16 << 10;

    public static async Task ServeAsync(HttpContext context, ParentHandlers handlers)
    {
        var answer = context.Request.Method == "GET"
            ? new EnrollAnswer(null, handlers.Fleet)
            : await AnswerAsync(context, handlers);
        var body = answer.ToBytes();
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static async Task<EnrollAnswer> AnswerAsync(HttpContext context, ParentHandlers handlers)
    {
        try
        {
            var buffer = new byte[MaxRequestBytes + 1];
            var length = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false,
                context.RequestAborted);
            if (length > MaxRequestBytes) return new EnrollAnswer($"the request is longer than {MaxRequestBytes} bytes");
            // Without a key nobody gets here.
            var from = SigningKey.KeyOf(context.Connection.ClientCertificate)!.Id;
            return await handlers.Enroll(EnrollRequest.Parse(buffer.AsSpan(0, length)), from, context.RequestAborted);
        }
        catch (ProtocolException e)
        {
            return new EnrollAnswer(e.Message);
        }
    }
}
