"""A whole class: what is to be graded, who grades it, and where the marks go."""
