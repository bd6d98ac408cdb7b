"""`taggram keys`: create, list and revoke API keys."""
