"""Drawings, edges and flat shapes become pictures, live (pix2pix)."""
