using Capillary.EdgeAgent.Commands;

return await EdgeCommands.RunAsync(args);
