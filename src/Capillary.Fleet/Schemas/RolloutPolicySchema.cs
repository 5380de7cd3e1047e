using System.Text.Json.Nodes;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Schemas;

/// <summary>The spec of rollout policies.</summary>
internal static class RolloutPolicySchema
{
    public static JsonObject Spec() => Shape.Closed([],
        ("waves", Shape.List(Wave(), most: RolloutPolicy.MaxWaves).Says("One after the other; default: every site at once.")),
        ("start", Shape.OneOf(RolloutPolicyReader.Starts)),
        ("priority", Shape.Integer(-1000, 1000)),
        ("emergency", Shape.Flag()),
        ("maxConcurrent", Shape.Share(1).Says("Sites at once: a number or a share of the wave.")),
        ("maxFailures", Shape.Share(0).Says("More failed sites stop the rollout: a number or a share of the wave.")),
        ("soakTime", Shape.Duration()),
        ("deadline", Shape.Duration()),
        ("groupBy", Shape.LabelKey().Says("One site of each value of this label at a time.")),
        ("onFailure", Shape.OneOf(RolloutPolicyReader.Answers)),
        ("windows", Shape.List(Shape.Closed(["cron", "duration"],
            ("cron", Shape.Text().Says("Five fields: minute hour day month weekday.")),
            ("duration", Shape.Duration()),
            ("timeZone", Shape.TimeZone())), most: RolloutPolicyReader.MostWindows)),
        ("freezes", Shape.List(Shape.Closed(["from", "to", "reason"],
            ("from", Moment()),
            ("to", Moment()),
            ("reason", Shape.Text(most: RolloutPolicyReader.MaxReason)),
            ("timeZone", Shape.TimeZone())), most: RolloutPolicyReader.MostWindows)));

    private static JsonObject Wave() => Shape.Closed(["name"],
        ("name", Shape.Name().With("not", Shape.OneOf([RolloutPolicy.All, RolloutPolicy.Rest]))),
        ("selector", Shape.Ref(FleetSchemas.Selector)),
        ("size", Shape.Share(1).Says("A number of sites or a share of those that are left.")),
        ("maxConcurrent", Shape.Share(1)),
        ("maxFailures", Shape.Share(0)),
        ("soakTime", Shape.Duration()),
        ("gates", Gates()))
        .With("oneOf", new JsonArray(Needs("selector"), Needs("size")));

    private static JsonObject Gates() => Shape.Closed([],
        ("health", Shape.Closed([], ("atLeast", Shape.Share(1)))),
        ("approval", Shape.Closed(["roles"],
            ("roles", Shape.List(Shape.OneOf(ApprovalGate.KnownRoles), most: 2, isUnique: true)),
            ("deadline", Shape.Duration()))),
        ("http", Shape.Closed(["url"],
            ("url", Shape.Text("^[Hh][Tt][Tt][Pp][Ss]:")),
            ("deadline", Shape.Duration()))));

    private static JsonObject Moment() => Shape.Text("^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$")
        .Says("By the clock of the time zone, such as 2026-12-24 or 2026-12-24T18:00.");

    private static JsonObject Needs(string field) => new() { ["required"] = Shape.Array([field]) };
}
