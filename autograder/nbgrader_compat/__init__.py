"""nbgrader's own insides, used in this package and nowhere else: its courses, its converters, its preprocessors."""

import sys

# jsonschema would import it, for a second, to check addresses that no notebook has.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
