"""Local exchanges: replay a scenario folder in each venue's own wire format."""
