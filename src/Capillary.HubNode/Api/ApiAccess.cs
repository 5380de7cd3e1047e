using Capillary.HubNode.Storage;
using Microsoft.AspNetCore.Http;

namespace Capillary.HubNode.Api;

/// <summary>Who calls, and may they? The socket's file mode is the local admin's proof; everybody else shows a token.</summary>
internal sealed class ApiAccess(Hub hub)
{
    private const string Scheme = "Bearer ";
    private const int MostTokenLength = 256;

    /// <summary>Null when the call may go on; else the answer.</summary>
    public ApiAnswer? Check(HttpContext context, bool local, Permission needs, out Operator caller)
    {
        caller = new Operator("local", Roles.Admin);
        if (local) return null;
        var header = context.Request.Headers.Authorization.ToString();
        var token = header.StartsWith(Scheme, StringComparison.Ordinal) ? header[Scheme.Length..].Trim() : "";
        var found = token.Length is > 0 and <= MostTokenLength ? hub.Database.Read(db => OperatorTable.Authenticate(db, token)) : null;
        if (found is null)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return ApiAnswer.Fail(StatusCodes.Status401Unauthorized, "unauthenticated", "no operator has this token",
                "an admin makes one with: capillary operator add NAME --role ROLE");
        }
        caller = found;
        return Roles.May(found.Role, needs)
            ? null
            : ApiAnswer.Fail(StatusCodes.Status403Forbidden, "forbidden", $"role {found.Role} of {found.Name} does not allow this",
                "ask an admin for another role");
    }
}
