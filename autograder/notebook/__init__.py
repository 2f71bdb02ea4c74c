"""Notebooks: read, put into the form of their source, and made inert before anyone opens them."""
