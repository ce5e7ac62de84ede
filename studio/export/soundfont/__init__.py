"""The house sound font: our own instruments, rendered by our own code and written as SoundFont 2."""
