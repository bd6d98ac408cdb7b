"""Rankings as policies: their value estimated from logs, and a bandit that explores."""
