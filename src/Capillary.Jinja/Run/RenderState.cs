using System.Runtime.CompilerServices;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Run;

/// <summary>What a loop's body has asked for.</summary>
internal enum LoopExit
{
    None,
    Continue,
    Break,
}

/// <summary>All that changes during one render; one thread's own.</summary>
internal sealed partial class RenderState : IDisposable
{
    private const int StopCheckInterval = 4096;

    private readonly CancellationToken _stop;
    private readonly JinjaOptions _options;
    private long _steps;
    private long _nextCheck;
    private int _calls;
    private ulong _random;

    internal RenderState(Program program, MapValue context, CancellationToken stop)
    {
        _options = program.Options;
        Unit = new Unit(program, new TemplateContext(context, program.SharesVariables ? [] : null));
        Unit.Context.AddBlocks(program);
        Frame = new Frame(program.Slots, null);
        Output = new OutputBuffer(this, _options.MaxOutputChars);
        Autoescape = _options.Autoescape;
        _stop = stop;
        _random = unchecked((ulong)_options.RandomSeed);
        _nextCheck = Math.Min(StopCheckInterval, _options.MaxSteps);
    }

    internal Unit Unit { get; set; }

    internal Program Program => Unit.Program;

    internal TemplateContext Context => Unit.Context;

    internal OutputBuffer Output { get; }

    internal Frame Frame { get; set; }

    internal bool Autoescape { get; set; }

    internal LoopExit Exit { get; set; }

    /// <summary>Offset of what is being evaluated. Nodes set it after their operands and before their own work.</summary>
    internal int At { get; set; }

    internal int MaxChars => _options.MaxOutputChars;

    internal long MaxSteps => _options.MaxSteps;

    /// <summary>The host handles a value outside of any render.</summary>
    internal bool IsDetached => ReferenceEquals(Program, Program.Nothing);

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

    /// <summary>For work that goes over a string once.</summary>
    internal void ChargeText(long length) => Charge(1 + length / 16);

    /// <summary>For looking for one text in another: at worst, which can be provoked, that takes the product of their lengths.</summary>
    internal void ChargeSearch(string text, string part) => Charge(1 + (long)text.Length / 16 * (1 + part.Length / 64));

    /// <summary>For work that goes over the whole operand when that is a string.</summary>
    internal void ChargeFor(JinjaValue operand)
    {
        if (operand.Ref is string text) ChargeText(text.Length);
        else Charge();
    }

    /// <summary>Variables for a macro, loop, block or template that begins; <paramref name="outer"/> is where it was defined.</summary>
    internal Frame NewFrame(int slots, Frame? outer = null)
    {
        Charge(slots / 8);
        return new Frame(slots, outer);
    }

    internal JinjaException Fail(string reason, string? suggestion = null, int? at = null) =>
        Program.Source.Fail(JinjaErrorKind.Runtime, at ?? At, reason, suggestion, Chain());

    internal JinjaException Limit(string reason) => Program.Source.Fail(JinjaErrorKind.Limit, At, reason, null, Chain());

    internal JinjaException FailUndefined(JinjaValue value) =>
        value.Ref is UndefinedValue undefined ? undefined.ToException(this) : Fail("the value is undefined");

    /// <summary>Opens a macro call: bounded by count, and by the stack that is really left.</summary>
    internal void EnterCall()
    {
        if (++_calls > _options.MaxDepth) throw Limit($"macro calls nest deeper than {_options.MaxDepth}");
        EnsureStack();
    }

    internal void LeaveCall() => _calls--;

    /// <summary>Values can nest as deep as a template builds them; the stack can not.</summary>
    internal void EnsureStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw Limit("values or calls nest too deep");
    }

    internal string Text(JinjaValue value)
    {
        if (value.Ref is string text) return text;
        var mark = Output.Length;
        ValueText.Write(this, value);
        return Output.TakeFrom(mark);
    }

    /// <summary>The text as a string that is as safe as <paramref name="like"/>.</summary>
    internal static JinjaValue AsSafeAs(JinjaValue like, string text) => new(text, like.IsMarkup ? 1 : 0);

    /// <summary>What a block of template text gives when it is captured.</summary>
    internal JinjaValue Captured(string text) => Autoescape ? JinjaValue.Markup(text) : text;

    /// <summary>A number from 0 to below <paramref name="below"/>; the same ones in each render.</summary>
    internal long Random(long below)
    {
        // SplitMix64.
        _random = unchecked(_random + 0x9e3779b97f4a7c15);
        var z = unchecked((_random ^ (_random >> 30)) * 0xbf58476d1ce4e5b9);
        z = unchecked((z ^ (z >> 27)) * 0x94d049bb133111eb);
        return (long)((z ^ (z >> 31)) % (ulong)below);
    }

    private void Check()
    {
        if (_steps > _options.MaxSteps) throw Limit($"the template takes more than {_options.MaxSteps} steps");
        _stop.ThrowIfCancellationRequested();
        _nextCheck = Math.Min(_steps + StopCheckInterval, _options.MaxSteps);
    }
}
