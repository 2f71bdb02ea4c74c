"""``python -m autograder.cli`` is ``autograder``."""

from autograder.cli import main

raise SystemExit(main())
