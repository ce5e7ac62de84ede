"""The parts of the page *Control*: bindings, ports, profiles, modulators, OSC, clock."""
