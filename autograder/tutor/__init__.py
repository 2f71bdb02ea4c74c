"""Why a wrong answer is wrong, and what to think about next. Nothing here changes a mark."""
