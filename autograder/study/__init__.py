"""One person alone: the exam that comes with the package, checks, hints, progress; and what is handed out."""
