"""Reports: the pages and pictures made of a results folder."""
