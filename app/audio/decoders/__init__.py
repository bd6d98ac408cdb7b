"""The decoder libraries, behind one interface."""
