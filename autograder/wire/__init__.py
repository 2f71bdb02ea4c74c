"""What crosses between processes: plain data in frames that cannot execute anything."""

# Each enters its types into the tables of `registry`.
from autograder.wire import arrays, builtin, containers, generators, scalars, tables

__all__ = ["arrays", "builtin", "containers", "generators", "scalars", "tables"]
