"""One person alone: checks, hints, progress; and what is handed out."""
