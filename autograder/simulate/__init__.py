"""A class made by construction, whose right marks are known."""
