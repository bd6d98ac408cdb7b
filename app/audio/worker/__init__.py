"""Decoder processes: started, confined, watched."""
