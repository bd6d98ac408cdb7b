"""The subcommands of `taggram catalogue`, one per file."""
