"""Pages that people read: students' feedback, the class report, the self-study scorecard."""
