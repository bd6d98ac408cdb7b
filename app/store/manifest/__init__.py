"""What is said of a published model."""
