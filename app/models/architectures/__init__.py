"""The Keras architectures, one per file, each with the name of its function."""
