"""A whole class: graded in parallel into nbgrader's gradebook, reported, given feedback; or made up with known marks."""

import sys

# jsonschema would import it, for a second, to check addresses that no notebook has.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
