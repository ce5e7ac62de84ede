"""Sound in: what is heard, drawn as it comes, and bound to parameters (``panel``, ``use``)."""
