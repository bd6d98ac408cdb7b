"""Networks that learn, epoch by epoch."""
