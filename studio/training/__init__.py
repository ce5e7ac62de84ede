"""Training: recipes that turn a person's own data into a model file, and the loop they share."""
