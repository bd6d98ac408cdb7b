"""`taggram data`: from the metadata of datasets to audio that a network can learn from."""
