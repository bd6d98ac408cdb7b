"""The published networks again, of PyTorch's layers and by the names in their checkpoints."""
