using System.CommandLine;
using Capillary.Cli;

var root = new RootCommand("Keeps thousands of sites in step with one Git repository.");
root.Subcommands.Add(FleetCommand.Create());
return await CommandRun.InvokeAsync(root, args);
