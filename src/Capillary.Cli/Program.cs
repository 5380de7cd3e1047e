using System.CommandLine;
using Capillary.Cli;

var root = new RootCommand("Keeps thousands of sites in step with one Git repository.");
root.Subcommands.Add(FleetCommand.Create());
root.Subcommands.Add(TemplateCommand.Create());
root.Subcommands.Add(HubCommand.Create());
root.Subcommands.Add(SiteCommand.Create());
root.Subcommands.Add(RegionCommand.Create());
root.Subcommands.Add(ReleaseCommand.Create());
root.Subcommands.Add(RolloutCommand.Create());
root.Subcommands.Add(StatusCommand.Create());
root.Subcommands.Add(OperatorCommand.Create());
root.Subcommands.Add(EventCommand.Create());
root.Subcommands.Add(TrustCommand.Create());
root.Subcommands.Add(JournalCommand.Create());
root.Subcommands.Add(SyncCommand.Create());
return await CommandRun.InvokeAsync(root, args);
