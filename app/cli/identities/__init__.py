"""The subcommands of `taggram identities`, one per file."""
