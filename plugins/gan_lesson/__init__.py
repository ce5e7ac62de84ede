"""A lesson that plays: a small GAN learns a density or a curve while one watches and turns its knobs."""
