"""What any work on a student's bytes may cost, and what it ends in when it costs more."""
