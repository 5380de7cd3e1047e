using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Capillary.Core.Apply;
using Capillary.EdgeAgent.Apply;
using Capillary.EdgeAgent.Apply.Host;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Apply;

/// <summary>What systemd is told of a service. The real one reads the same in test/Capillary.EndToEnd/Systemd.</summary>
[SupportedOSPlatform("linux")]
public sealed class ServiceUnitTests : IDisposable
{
    private static readonly UnitPlace Place = new()
    {
        Site = "ward-1", Key = "monitor/gateway", Root = "/srv/lab", Account = "labuser", Version = 257,
        LogPath = "/var/lib/capillary-edge/apply/logs/monitor.gateway.log",
        VariablesPath = "/var/lib/capillary-edge/apply/services/monitor.gateway.env",
    };

    private static readonly Gen<string> Nasty = Gen.Elements(
        "", " ", "a", "%", "%n", "$", "${X}", "\"", "'", "\\", "\\\\n", "\n", "\r\n", "\t", ";", "-", "@", "#", "\x01", "\x7f", "é", "日", "|")
        .ListOf().Select(parts => string.Concat(parts));

    private readonly string folder = Directory.CreateTempSubdirectory("capillary-units-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_unit_is_golden()
    {
        var unit = ServiceUnit.Of(Service(["bin/gateway", "--listen", "a b"]), Place);
        GoldenFile.Check("service-unit", $"{unit.Text}\n== variables\n{unit.Variables}".Replace(
            $"PATH=\"{Environment.GetEnvironmentVariable("PATH")}\"", "PATH=…", StringComparison.Ordinal));
    }

    [Fact]
    public void Waits_grow_where_systemd_knows_how()
    {
        var service = Service(["x"]) with { Restart = new(RestartWhen.OnFailure, 5, 300) };
        Assert.Contains("RestartSec=5\nRestartSteps=6\nRestartMaxDelaySec=300\n", ServiceUnit.Of(service, Place).Text, StringComparison.Ordinal);
        var old = ServiceUnit.Of(service, Place with { Version = 252 }).Text;
        Assert.DoesNotContain("RestartSteps", old, StringComparison.Ordinal);
        Assert.Contains("Restart=on-failure\nRestartForceExitStatus=SIGHUP SIGINT SIGTERM SIGPIPE\n", old, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_a_bundle_says_stays_an_argument() => Prop.ForAll(Nasty.ListOf().ToArbitrary(), arguments =>
    {
        var unit = ServiceUnit.Of(Service(["prog", .. arguments]), Place).Text;
        var plain = ServiceUnit.Of(Service(["prog"]), Place).Text;
        // Nothing but the one line differs, so nothing broke out of it.
        var (lines, others) = (unit.Split('\n'), plain.Split('\n'));
        var start = Array.FindIndex(lines, line => line.StartsWith("ExecStart=", StringComparison.Ordinal));
        return lines.Length == others.Length && lines.Where((_, i) => i != start).SequenceEqual(others.Where((_, i) => i != start))
            && Words(lines[start]["ExecStart=".Length..]).SequenceEqual(["/usr/bin/env", "--", "prog", .. arguments]);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Whatever_a_variable_holds_stays_its_value() => Prop.ForAll(Nasty.ToArbitrary(), value =>
    {
        var unit = ServiceUnit.Of(Service(["prog"]) with { Environment = new Dictionary<string, string> { ["V"] = value } }, Place);
        var start = unit.Text.Split('\n').Single(line => line.StartsWith("ExecStart=", StringComparison.Ordinal))["ExecStart=".Length..];
        var read = Variables(unit.Variables);
        var odd = value.Any(c => char.IsControl(c) && c is not ('\t' or '\n'));
        return odd ? Words(start).SequenceEqual(["/usr/bin/env", "--", $"V={value}", "prog"]) && read.Count == 2
            : read["V"] == value && read.Count == 3 && Words(start).Count == 3;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("data\nExecStartPre=/bin/evil")]
    [InlineData("data ")]
    public void A_folder_that_systemd_cannot_name_is_refused(string folder)
    {
        var refused = Assert.Throws<StepException>(() => ServiceUnit.Of(Service(["x"]) with { WorkingDirectory = folder }, Place));
        Assert.True(refused.Final);
    }

    [Fact]
    public void What_systemd_says_is_read()
    {
        var waits = UnitState.Parse("LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nMainPID=0\nExecMainCode=2\n"
            + "ExecMainStatus=9\nNRestarts=4\nNeedDaemonReload=yes");
        Assert.Equal(new UnitState("loaded", "activating", "auto-restart", 0, 5, 137, true), waits);
        Assert.True(waits is { IsMoving: true, IsUp: false });
        Assert.Null(UnitState.Parse("LoadState=not-found\nActiveState=inactive\nExecMainCode=0").ExitCode);
        Assert.Equal([252, 257, 249, 0], ((string[])["systemd 252 (252.38-1~deb12u1)\n+PAM", "systemd 257~rc1 (x)", "systemd 249", ""])
            .Select(UnitHost.VersionOf));
    }

    [Fact]
    public void Every_change_by_hand_is_seen_and_undone()
    {
        var files = new UnitFiles($"{folder}/system", "capillary-a.b.c.service", $"{folder}/b.c.env");
        Directory.CreateDirectory($"{folder}/system");
        var unit = new ServiceUnit("[Service]\n", "A=\"1\"\n", Enabled: true);
        var (path, link) = ($"{folder}/system/capillary-a.b.c.service", $"{folder}/system/multi-user.target.wants/capillary-a.b.c.service");
        Undone("was removed", () => { });
        Undone("was edited", () => File.AppendAllText(path, "User=root\n"));
        Undone("was edited", () => File.SetUnixFileMode(path, (UnixFileMode)0x1FF));
        Undone("was removed", () => File.Delete(path));
        Undone("was masked", () => Replace(() => File.CreateSymbolicLink(path, "/dev/null")));
        Undone("was replaced by a link", () => Replace(() => File.CreateSymbolicLink(path, "/etc/hostname")));
        Undone("was edited", () => Replace(() => Directory.CreateDirectory(path)));
        Undone("was disabled", () => File.Delete(link));
        Undone("got other variables", () => File.WriteAllText($"{folder}/b.c.env", "A=2"));
        Undone("was changed by a drop-in", () =>
        {
            Directory.CreateDirectory($"{path}.d");
            File.WriteAllText($"{path}.d/override.conf", "[Service]\nUser=root\n");
        });
        Assert.Equal("was enabled", files.Difference(unit with { Enabled = false }));
        Assert.Equal((UnixFileMode)0x1A4, File.GetUnixFileMode(path));
        Assert.Equal((UnixFileMode)0x180, File.GetUnixFileMode($"{folder}/b.c.env"));
        files.Remove();
        Assert.Empty(Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories));

        void Undone(string difference, Action byHand)
        {
            byHand();
            Assert.Equal(difference, files.Difference(unit));
            files.Put(unit);
            Assert.Null(files.Difference(unit));
        }

        void Replace(Action with)
        {
            File.Delete(path);
            with();
        }
    }

    private static ServiceObject Service(IReadOnlyList<string> command) => new("gateway", "lab", command,
        new Dictionary<string, string>(), null, RestartPolicy.Default, LogPolicy.Default, null, 10);

    /// <summary>A command line as systemd.syntax(7) and systemd.service(5) say that it is read; anything beyond what is needed fails.</summary>
    private static List<string> Words(string line)
    {
        var words = new List<string>();
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == ' ') continue;
            var word = new StringBuilder();
            if (line[i] != '"')
            {
                for (; i < line.Length && line[i] != ' '; i++) word.Append(line[i]);
                Assert.Matches("^[a-z/-]+$", word.ToString());
            }
            else
            {
                for (i++; line[i] != '"'; i++) word.Append(Letter(line, ref i));
                Assert.True(i + 1 == line.Length || line[i + 1] == ' ');
            }
            words.Add(word.ToString());
        }
        return words;
    }

    private static char Letter(string line, ref int i)
    {
        if (line[i] is not ('\\' or '%' or '$')) return line[i];
        var (mark, next) = (line[i], line[++i]);
        if (mark is '%' or '$' || next is '\\' or '"')
        {
            Assert.True(mark == '\\' || next == mark, $"'{mark}' stands alone in {line}");
            return next;
        }
        Assert.Equal('x', next);
        i += 2;
        return (char)int.Parse(line.AsSpan(i - 1, 2), NumberStyles.HexNumber);
    }

    /// <summary>An environment file as systemd.exec(5) says that it is read.</summary>
    private static Dictionary<string, string> Variables(string text)
    {
        var values = new Dictionary<string, string>();
        for (var i = 0; i < text.Length; i++)
        {
            var end = text.IndexOf('=', i);
            var (name, value) = (text[i..end], new StringBuilder());
            Assert.Equal('"', text[end + 1]);
            for (i = end + 2; text[i] != '"'; i++)
            {
                if (text[i] == '\\') i++;
                value.Append(text[i]);
            }
            Assert.Equal('\n', text[++i]);
            values.Add(name, value.ToString());
        }
        return values;
    }
}
