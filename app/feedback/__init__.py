"""What artists made of the suggestions, kept for those who want to know whether they help."""
