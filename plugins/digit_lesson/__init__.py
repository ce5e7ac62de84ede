"""A lesson that plays: a small GAN learns to write digits, and the sheet of its attempts grows."""
