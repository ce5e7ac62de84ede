"""Reverie Studio: an instrument for art made with neural networks.

Importing this package loads neither torch nor Qt; every heavy import happens at first use.
"""

import os

__version__ = "0.1.0"

# Torch's threads wait for each other thousands of times a second. By default they wait busily, and as soon as another
# program (or another deck) wants the same core, each wait takes a whole time slice: a render beside other work was
# twelve times slower. Read when torch is loaded, so it must stand here; a value of your own is kept.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
