"""How far a student's process is confined, and who watches it."""
