"""Learning: from datasets to a model in the store. Nothing that serves imports it."""
