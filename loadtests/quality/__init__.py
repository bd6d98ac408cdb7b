"""How well tags and suggestions fit music, and the figures of manifests that follow from it."""
