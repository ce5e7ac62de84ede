"""A rehearsal of a whole evening: a set played by itself, with every fault that a stage has in store.

``score`` writes what happens when, from a seed; ``acts`` are what can happen; ``show`` plays them on a real session and
measures; ``report`` says how it went.
"""
