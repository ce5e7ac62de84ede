"""A still painted anew in the style of other pictures, by optimisation: slow, and better than the live network."""
