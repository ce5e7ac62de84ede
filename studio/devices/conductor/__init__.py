"""The conductor: one small process that owns everything that must be in time (MIDI out, MIDI clock out, the synth).

``client.Conductor`` is the studio's side, ``__main__`` the process; ``wire`` says what they tell each other
and ``outputs`` where something that sounds plugs in. Nothing imports numpy, torch or a window at its start.
"""
