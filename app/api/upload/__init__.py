"""Request bodies on their way in, and the work that waits for them."""
