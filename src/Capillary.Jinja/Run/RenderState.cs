using System.Runtime.CompilerServices;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Run;

/// <summary>All that changes during one render; one thread's own.</summary>
internal sealed class RenderState : IDisposable
{
    private const int StopCheckInterval = 4096;

    private readonly CancellationToken _stop;
    private long _steps;
    private long _nextCheck;
    private int _calls;

    internal RenderState(Program program, MapValue context, CancellationToken stop)
    {
        Program = program;
        Context = context;
        Frame = new Frame(program.Slots, null);
        Output = new OutputBuffer(this, program.Options.MaxOutputChars);
        _stop = stop;
        _nextCheck = Math.Min(StopCheckInterval, program.Options.MaxSteps);
    }

    internal Program Program { get; }

    internal MapValue Context { get; }

    internal OutputBuffer Output { get; }

    internal Frame Frame { get; set; }

    /// <summary>Offset of what is being evaluated. Nodes set it after their operands and before their own work.</summary>
    internal int At { get; set; }

    internal int MaxChars => Program.Options.MaxOutputChars;

    internal static RenderState Detached() => new(Program.Nothing, MapValue.Empty, default);

    public void Dispose() => Output.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Charge()
    {
        if (++_steps >= _nextCheck) Check();
    }

    internal void Charge(long steps)
    {
        _steps += steps;
        if (_steps >= _nextCheck) Check();
    }

    internal void ChargeText(int length) => Charge(1 + length / 16);

    /// <summary>For work that goes over the whole operand when that is a string.</summary>
    internal void ChargeFor(JinjaValue operand)
    {
        if (operand.Ref is string text) ChargeText(text.Length);
        else Charge();
    }

    internal JinjaException Fail(string reason, string? suggestion = null, int? at = null) =>
        Program.Source.Fail(at ?? At, reason, suggestion);

    internal JinjaException FailUndefined(JinjaValue value) =>
        value.Ref is UndefinedValue undefined ? undefined.ToException(this) : Fail("the value is undefined");

    /// <summary>Opens a macro call: bounded by count, and by the stack that is really left.</summary>
    internal void EnterCall()
    {
        if (++_calls > Program.Options.MaxDepth) throw Fail($"macro calls nest deeper than {Program.Options.MaxDepth}");
        EnsureStack();
    }

    internal void LeaveCall() => _calls--;

    /// <summary>Values can nest as deep as a template builds them; the stack can not.</summary>
    internal void EnsureStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw Fail("values or calls nest too deep");
    }

    internal string Text(JinjaValue value)
    {
        if (value.Ref is string text) return text;
        var mark = Output.Length;
        ValueText.Write(this, value);
        return Output.TakeFrom(mark);
    }

    private void Check()
    {
        if (_steps > Program.Options.MaxSteps) throw Fail($"the template takes more than {Program.Options.MaxSteps} steps");
        _stop.ThrowIfCancellationRequested();
        _nextCheck = Math.Min(_steps + StopCheckInterval, Program.Options.MaxSteps + 1);
    }
}
