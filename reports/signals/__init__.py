"""What signals did, in a report over results that kept event logs and paths: diagrams before and after."""
