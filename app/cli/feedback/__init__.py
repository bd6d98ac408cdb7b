"""`taggram feedback`: export and summarise the feedback of artists."""
