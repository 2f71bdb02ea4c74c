"""Plain data between the examiner and a student's process."""
