"""Training of policies and their export to a file the street can run."""
