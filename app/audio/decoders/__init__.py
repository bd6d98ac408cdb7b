"""The libraries that decode, behind one interface."""
