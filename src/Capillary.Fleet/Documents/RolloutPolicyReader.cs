using System.Globalization;
using Cronos;

namespace Capillary.Fleet.Documents;

/// <summary>Reads the spec of <c>rollouts/NAME.yaml</c>.</summary>
internal static class RolloutPolicyReader
{
    public const int MostWindows = 32;
    public const int MaxReason = 200;
    public static readonly string[] Starts = ["automatic", "manual"];
    public static readonly string[] Answers = ["halt", "rollback"];

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);
    private static readonly TimeSpan Quarter = TimeSpan.FromDays(90);

    public static RolloutPolicyDocument Read(DocumentHead head, FieldReader spec) => new(head, new RolloutPolicy(head.Name, Waves(spec))
    {
        StartsByHand = spec.OneOf("start", Starts)?.Value == "manual",
        Priority = spec.Integer("priority", -1000, 1000, 0),
        IsEmergency = spec.Flag("emergency"),
        MaxConcurrent = spec.Share("maxConcurrent", least: 1),
        MaxFailures = spec.Share("maxFailures") ?? Share.None,
        SoakTime = spec.Duration("soakTime", TimeSpan.Zero, Week) ?? TimeSpan.Zero,
        Deadline = spec.Duration("deadline", Minute, Week) ?? RolloutPolicy.DefaultDeadline,
        GroupBy = GroupBy(spec),
        OnFailure = spec.OneOf("onFailure", Answers)?.Value == "rollback" ? FailureAnswer.Rollback : FailureAnswer.Halt,
        Windows = Windows(spec),
        Freezes = Freezes(spec),
    });

    private static List<Wave> Waves(FieldReader spec)
    {
        var waves = new List<Wave>();
        foreach (var node in spec.List("waves"))
        {
            if (FieldReader.Of(node, spec.PathOf("waves"), spec.Bag) is not { } fields) continue;
            var name = fields.Name("name", required: true);
            waves.Add(Wave(name?.Value ?? "", fields));
            fields.RejectUnknown();
            if (waves.Count > RolloutPolicy.MaxWaves)
                spec.Bag.Error(DiagnosticCodes.NotAllowed, node.At, $"spec.waves: at most {RolloutPolicy.MaxWaves} waves");
            if (name is { } given && waves.Take(waves.Count - 1).Any(wave => wave.Name == given.Value))
                spec.Bag.Error(DiagnosticCodes.DuplicateName, given.At, $"spec.waves: '{given.Value}' stands twice");
            if (name?.Value is RolloutPolicy.All or RolloutPolicy.Rest)
                spec.Bag.Error(DiagnosticCodes.NotAllowed, name.Value.At, $"spec.waves: '{name.Value.Value}' is the name of the sites "
                    + "that no wave chooses", "give the wave another name");
        }
        return waves;
    }

    private static Wave Wave(string name, FieldReader fields)
    {
        var gates = fields.Child("gates");
        var wave = new Wave(name)
        {
            Selector = fields.Get("selector") is null ? null : Selector.Read(fields),
            Size = fields.Share("size", least: 1),
            MaxConcurrent = fields.Share("maxConcurrent", least: 1),
            MaxFailures = fields.Share("maxFailures"),
            SoakTime = fields.Duration("soakTime", TimeSpan.Zero, Week),
            AtLeast = gates is null ? null : AtLeast(gates),
            Approval = gates is null ? null : Approval(gates),
            Http = gates is null ? null : Http(gates),
        };
        gates?.RejectUnknown();
        if ((wave.Selector is null) == (fields.Get("size") is null))
            fields.Bag.Error(DiagnosticCodes.NotAllowed, fields.At, $"{fields.Path}: a wave has either a selector or a size",
                "write selector: {} for every site that is left, or size: 20%");
        return wave;
    }

    private static Share? AtLeast(FieldReader gates)
    {
        if (gates.Child("health") is not { } fields) return null;
        var least = fields.Share("atLeast", least: 1);
        fields.RejectUnknown();
        return least;
    }

    private static ApprovalGate? Approval(FieldReader gates)
    {
        if (gates.Child("approval") is not { } fields) return null;
        var roles = fields.Names("roles", required: true);
        foreach (var role in roles.Where(role => !ApprovalGate.KnownRoles.Contains(role.Value)))
        {
            fields.Bag.Error(DiagnosticCodes.NotAllowed, role.At, $"{fields.PathOf("roles")}: '{role.Value}' is not one of "
                + string.Join(", ", ApprovalGate.KnownRoles), NearestName.Suggest(role.Value, ApprovalGate.KnownRoles));
        }
        if (roles.Count > 2) fields.Bag.Error(DiagnosticCodes.NotAllowed, roles[2].At, $"{fields.PathOf("roles")}: at most 2 roles");
        var deadline = fields.Duration("deadline", Minute, Quarter) ?? Week;
        fields.RejectUnknown();
        return roles.Count == 0 ? null : new ApprovalGate([.. roles.Select(role => role.Value)], deadline);
    }

    private static HttpGate? Http(FieldReader gates)
    {
        if (gates.Child("http") is not { } fields) return null;
        var url = fields.Text("url", required: true);
        var deadline = fields.Duration("deadline", Minute, Week) ?? TimeSpan.FromHours(1);
        fields.RejectUnknown();
        if (url is not { } found) return null;
        if (Uri.TryCreate(found.Value, UriKind.Absolute, out var uri) && uri.Scheme == "https" && uri.UserInfo.Length == 0)
            return new HttpGate(found.Value, deadline);
        fields.Bag.Error(DiagnosticCodes.NotAllowed, found.At,
            $"{fields.PathOf("url")}: '{found.Value}' is not an https: URL without a user");
        return null;
    }

    private static string? GroupBy(FieldReader spec)
    {
        if (spec.Text("groupBy") is not { } label) return null;
        if (LabelSyntax.KeyProblem(label.Value) is { } problem) spec.Bag.Error(DiagnosticCodes.BadLabel, label.At, problem);
        return label.Value;
    }

    private static List<TimeWindow> Windows(FieldReader spec)
    {
        var windows = new List<TimeWindow>();
        foreach (var fields in Items(spec, "windows"))
        {
            var cron = fields.Text("cron", required: true);
            var duration = fields.Duration("duration", Minute, Week);
            if (fields.Get("duration", required: true) is not null && cron is { } text && duration is { } length)
            {
                if (CronExpression.TryParse(text.Value, out _)) windows.Add(new(text.Value, length, fields.TimeZone("timeZone")));
                else fields.Bag.Error(DiagnosticCodes.NotAllowed, text.At,
                    $"{fields.PathOf("cron")}: '{text.Value}' is not a cron expression",
                    "write five fields: minute hour day month weekday, such as '0 22 * * 1-5'");
            }
            fields.Get("timeZone");
            fields.RejectUnknown();
        }
        return windows;
    }

    private static List<Freeze> Freezes(FieldReader spec)
    {
        var freezes = new List<Freeze>();
        foreach (var fields in Items(spec, "freezes"))
        {
            var (from, to) = (Moment(fields, "from"), Moment(fields, "to"));
            var reason = fields.Text("reason", required: true);
            var zone = fields.TimeZone("timeZone");
            fields.RejectUnknown();
            if (reason is { Value.Length: > MaxReason } long_)
                fields.Bag.Error(DiagnosticCodes.NotAllowed, long_.At, $"{fields.PathOf("reason")}: at most {MaxReason} characters");
            if (from is not { } first || to is not { } last || reason is not { } why) continue;
            if (last > first) freezes.Add(new(first, last, why.Value, zone));
            else fields.Bag.Error(DiagnosticCodes.NotAllowed, fields.At, $"{fields.Path}: 'to' is not after 'from'");
        }
        return freezes;
    }

    private static IEnumerable<FieldReader> Items(FieldReader spec, string name)
    {
        var nodes = spec.List(name);
        if (nodes.Count > MostWindows)
            spec.Bag.Error(DiagnosticCodes.NotAllowed, nodes[MostWindows].At, $"{spec.PathOf(name)}: at most {MostWindows}");
        return nodes.Select(node => FieldReader.Of(node, spec.PathOf(name), spec.Bag)).OfType<FieldReader>();
    }

    private static DateTime? Moment(FieldReader fields, string name)
    {
        if (fields.Get(name, required: true) is not { } node) return null;
        string[] forms = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm"];
        if (node is YamlScalar scalar
            && DateTime.TryParseExact(scalar.Text, forms, CultureInfo.InvariantCulture, DateTimeStyles.None, out var moment)) return moment;
        fields.Bag.Error(DiagnosticCodes.NotAllowed, node.At,
            $"{fields.PathOf(name)}: expected a date, such as 2026-12-24 or 2026-12-24T18:00");
        return null;
    }
}
