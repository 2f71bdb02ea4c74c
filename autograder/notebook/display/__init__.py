"""What a student's notebook shows, made inert: built from an allow-list, in a process that may die of it."""
