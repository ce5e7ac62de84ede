"""Writes by hand: see ``handwriting``."""
