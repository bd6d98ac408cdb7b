"""What a training does, as data."""
