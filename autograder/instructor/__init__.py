"""The instructor's own cells of a source notebook: whose a name is, what runs, and in which folder."""
