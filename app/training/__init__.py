"""Training: from datasets to a model in the store. The service does not import it."""
