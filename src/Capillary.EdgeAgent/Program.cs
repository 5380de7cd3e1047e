using Capillary.EdgeAgent;

return await EdgeCommands.RunAsync(args);
