"""The training loop: networks, epochs, checkpoints, devices."""
