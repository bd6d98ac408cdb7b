"""Linear probes on embeddings: own tags from few tracks, and likely label errors."""
