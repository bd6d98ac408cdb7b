"""`taggram data`: from the metadata of datasets to audio for training."""
