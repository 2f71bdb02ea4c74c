"""A student's files, read without following where they lead."""
