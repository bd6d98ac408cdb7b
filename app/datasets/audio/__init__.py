"""The audio of datasets: fetched, decoded once, and read in place."""
