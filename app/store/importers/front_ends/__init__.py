"""Front ends of networks that others trained."""
