"""What stands in a test for a function, a class or an object of the student's: using it asks the candidate."""
