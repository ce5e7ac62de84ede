"""Reverie Studio: an instrument for art made with neural networks.

Importing this package loads neither torch nor Qt; every heavy import happens at first use.
"""

__version__ = "0.1.0"
