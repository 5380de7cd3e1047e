using System.Text;
using Capillary.Node.Child;
using Microsoft.Extensions.Logging;

namespace Capillary.Tests.Node.Networks;

/// <summary>All that a link logged, with the exceptions in full.</summary>
internal sealed class WrittenLog : ILogger<ParentLink>
{
    private readonly StringBuilder text = new();

    public string Text
    {
        get
        {
            lock (text) return text.ToString();
        }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (text) text.AppendLine($"{formatter(state, exception)} {exception}");
    }
}
