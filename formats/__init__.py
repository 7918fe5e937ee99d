"""Files in and out: exchange formats for detectors and counts, read openly about what is wrong with them."""
