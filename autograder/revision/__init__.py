"""A changed source while there are submissions: what changes for whom, and the change itself."""
