"""The audio of datasets: fetched, decoded once, and memory-mapped."""
