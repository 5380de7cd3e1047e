using Capillary.Core.Identity;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Capillary.Node.Carry;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Capillary.HubNode.Api;

/// <summary>What became of a receipt.</summary>
/// <param name="Site">The site that it is of.</param>
/// <param name="Result">taken, known or refused.</param>
/// <param name="Reason">Why it was refused; else null.</param>
/// <param name="Phase">What the site said; null when refused.</param>
/// <param name="Generation">The highest generation it had accepted; null when refused.</param>
/// <param name="ReportedAt">By the site's own clock; null when refused.</param>
internal sealed record ReceiptView(string Site, string Result, string? Reason, Core.Reports.ReportPhase? Phase, long? Generation,
    DateTimeOffset? ReportedAt);

/// <summary>What a stick carries, from the hub and back.</summary>
internal static class CarryRoutes
{
    public static IEnumerable<ApiRoute> All(Hub hub, TimeProvider time) =>
    [
        new("GET", "/api/v1/sites/{name}/export", Permission.Export, (call, _) => Task.FromResult(Export(hub, call, time))),
        new("POST", "/api/v1/receipts", Permission.Receive, (call, stop) => ReceiveAsync(hub, call, time, stop)),
    ];

    private static ApiAnswer Export(Hub hub, ApiCall call, TimeProvider time)
    {
        if (!DnsLabel.IsValid(call.Name)) return Unknown(call.Name);
        var site = new SiteId(call.Name);
        var isFull = call.Context.Request.Query["full"] == "true";
        switch (SiteExport.Prepare(hub.Cell.Value, hub.Blobs, hub.Sites.Seen.GetValueOrDefault(site), site, isFull))
        {
            case ExportOutcome.Refused refused:
                return ApiAnswer.Fail(StatusCodes.Status409Conflict, "cannot-export", refused.Reason, refused.Hint);
            case ExportOutcome.Ready { Export: var export }:
                hub.Database.Write(db => JournalTable.Append(db, time.GetUtcNow(), call.Actor, "site.export", null,
                    new { site = call.Name, generation = export.Plan.Generation, blobs = export.Plan.Blobs, full = isFull }));
                // A stick may stall for a minute; what is slow here costs a buffer.
                if (call.Context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
                return ApiAnswer.Stream(CarryStream.MediaType, export.WriteAsync);
            default:
                return Unknown(call.Name);
        }
    }

    private static async Task<ApiAnswer> ReceiveAsync(Hub hub, ApiCall call, TimeProvider time, CancellationToken stop)
    {
        if (call.Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = Receipt.MaxBytes;
        Receipt receipt;
        try
        {
            using var body = new MemoryStream();
            await call.Context.Request.Body.CopyToAsync(body, stop);
            receipt = Receipt.Parse(body.ToArray(), "receipt");
        }
        catch (InvalidDataException e)
        {
            return ApiAnswer.Fail(StatusCodes.Status400BadRequest, "bad-request", e.Message, "send a file of a stick's receipts folder");
        }
        if (receipt.Fleet != hub.Fleet)
            return ApiAnswer.Ok(new ReceiptView(receipt.Site.Value, "refused", $"it is of fleet '{receipt.Fleet}'", null, null, null));
        ReceiptView? view = null;
        foreach (var report in receipt.Reports)
        {
            var next = ViewOf(receipt.Site, await hub.Sites.TakeReceiptAsync(report, stop));
            if (view is null || next.Result == "taken" || view.Result == "refused") view = next;
        }
        if (view!.Result == "taken")
        {
            hub.Database.Write(db => JournalTable.Append(db, time.GetUtcNow(), call.Actor, "site.receive", null,
                new { site = view.Site, generation = view.Generation, phase = view.Phase.ToString() }));
        }
        return ApiAnswer.Ok(view);
    }

    private static ReceiptView ViewOf(SiteId site, ReceiptOutcome outcome) => outcome switch
    {
        ReceiptOutcome.Taken { Report: var report } => new(report.Site.Value, "taken", null, report.Phase, report.Generation, report.At),
        ReceiptOutcome.Known { Report: var report } => new(report.Site.Value, "known", null, report.Phase, report.Generation, report.At),
        ReceiptOutcome.Refused { Reason: var reason } => new(site.Value, "refused", reason, null, null, null),
        _ => throw new InvalidOperationException("unknown outcome"),
    };

    private static ApiAnswer Unknown(string name) =>
        ApiAnswer.Fail(StatusCodes.Status404NotFound, "not-found", $"there is no site '{name}'", "see: capillary site list");
}
