"""The cost of training."""
