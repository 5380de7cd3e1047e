using Capillary.Core.Protocol;
using Microsoft.AspNetCore.Http;

namespace Capillary.Node.Parent;

/// <summary>Where a node without a record may ask for one; the only path that needs none.</summary>
internal static class EnrollEndpoint
{
    private const int MaxRequestBytes = 16 << 10;

    public static async Task ServeAsync(HttpContext context, ParentHandlers handlers, IdentityLimits identities, string keyId,
        bool relays)
    {
        var answer = context.Request.Method == "GET"
            ? new EnrollAnswer(null, handlers.Fleet)
            : await AnswerAsync(context, handlers, identities, keyId, relays);
        var body = answer.ToBytes();
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static async Task<EnrollAnswer> AnswerAsync(HttpContext context, ParentHandlers handlers, IdentityLimits identities,
        string keyId, bool relays)
    {
        if (!identities.MayEnroll(keyId, relays)) return new EnrollAnswer("too-many: this node asked too often; try again in a minute");
        try
        {
            var buffer = new byte[MaxRequestBytes + 1];
            var length = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false,
                context.RequestAborted);
            if (length > MaxRequestBytes) return new EnrollAnswer($"the request is longer than {MaxRequestBytes} bytes");
            var request = EnrollRequest.Parse(buffer.AsSpan(0, length));
            return identities.MayTryCode(request.CodeId)
                ? await handlers.Enroll(request, keyId, context.RequestAborted)
                : new EnrollAnswer("too-many: this join code was tried too often; wait a minute, then type it again");
        }
        catch (ProtocolException e)
        {
            return new EnrollAnswer(e.Message);
        }
    }
}
