using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Capillary.Node.Hosting;

/// <summary>
/// Logs of a node: one line per event on a writer, with time, level, event id and text. No configuration, no queue, small when idle.
/// </summary>
/// <param name="to">Where lines go; stderr as a rule.</param>
/// <param name="least">The least level that is written; what is not ours is written from Warning on.</param>
/// <param name="time">The clock.</param>
public sealed class LineLogs(TextWriter to, LogLevel least, TimeProvider time) : ILoggerFactory
{
    private readonly Lock gate = new();

    public ILogger CreateLogger(string categoryName) =>
        new LineLogger(this, categoryName.StartsWith("Capillary.", StringComparison.Ordinal) || least < LogLevel.Information ? least
            : LogLevel.Warning);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("lines go to one writer");

    public void Dispose() { }

    private void Write(LogLevel level, EventId id, string text, Exception? exception)
    {
        var stamp = time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var name = level switch { LogLevel.Warning => "warn", LogLevel.Error => "error", LogLevel.Critical => "crit", _ => "info" };
        lock (gate)
        {
            to.WriteLine($"{stamp} {name} {id.Id} {text.ReplaceLineEndings(" ")}");
            if (exception is not null) to.WriteLine(exception);
            to.Flush();
        }
    }

    private sealed class LineLogger(LineLogs owner, LogLevel from) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= from && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) owner.Write(logLevel, eventId, formatter(state, exception), exception);
        }
    }
}
