"""What is kept between sessions: presets, session files, settings, models, imports. Loads no torch by itself."""
