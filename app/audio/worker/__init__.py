"""Decode processes: starts, confines and supervises them."""
