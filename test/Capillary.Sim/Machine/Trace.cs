using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Capillary.Sim.Machine;

/// <summary>What happened, one line each. Holds nothing that signing makes random, so one seed gives one text.</summary>
internal sealed class Trace(Schedule schedule, TextWriter? output) : IDisposable
{
    private const int Remembered = 60;
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Queue<string> last = new();

    /// <summary>The newest lines.</summary>
    public IReadOnlyCollection<string> Last => last;

    /// <summary>Over every line so far.</summary>
    public string Hash => Convert.ToHexStringLower(hash.GetCurrentHash());

    public void Note(string node, string text)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{schedule.Elapsed.TotalSeconds,10:0.000} {node,-10} {text}");
        hash.AppendData(Encoding.UTF8.GetBytes(line));
        hash.AppendData("\n"u8);
        last.Enqueue(line);
        if (last.Count > Remembered) last.Dequeue();
        output?.WriteLine(line);
    }

    public void Dispose() => hash.Dispose();
}
