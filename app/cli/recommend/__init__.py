"""The subcommands of `taggram recommend`, one per file."""
