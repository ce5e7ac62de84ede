"""Latent explorer: see ``latent_explorer.py``."""
