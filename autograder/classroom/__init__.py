"""A whole class: graded in parallel into nbgrader's gradebook, reported, given feedback; or made up with known marks."""
