using System.Net;

namespace Capillary.Node.Links;

/// <summary>A request body that stays open: hands out its stream when the connection is ready, and ends when it is disposed.</summary>
internal sealed class DuplexContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The stream to write the body to.</summary>
    public Task<Stream> Opened => opened.Task;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // Headers must be on their way before the first frame is written.
        await stream.FlushAsync(cancellationToken);
        opened.TrySetResult(stream);
        await ended.Task.WaitAsync(cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        opened.TrySetCanceled();
        ended.TrySetResult();
        base.Dispose(disposing);
    }
}
