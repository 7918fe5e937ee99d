"""The catalogue of networks and demands, and where their files come from."""
