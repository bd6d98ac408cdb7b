"""Speed and limits of the service and of its stages."""
