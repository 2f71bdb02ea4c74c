"""Checks inside a notebook: the IPython extension that whoever works on it loads."""
