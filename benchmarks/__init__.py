"""Comparisons of the library with measurement and with other packages; each is one command."""
