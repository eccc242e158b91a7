"""The drill: designs run for real."""
