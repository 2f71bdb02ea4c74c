"""The exam: students' code runs confined in a process of its own, the tests in another, and only plain data crosses."""
