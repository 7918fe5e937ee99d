"""Cases, drawn demand, and the comparison of controllers over many seeds."""
