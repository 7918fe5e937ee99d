"""What a site's logs tell: the shadow report, and the study of before and after. Knows the logs, not the field."""
