"""Files in and out: exchange formats for plans, detectors and counts, read strictly and written faithfully."""
