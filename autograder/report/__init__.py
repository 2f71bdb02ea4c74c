"""What an instructor reads of a graded class: a page, a table in the terminal, and the same figures for other programs."""
