"""The student's process: started, asked, ended."""
