"""The fit of ``runtime="measured"``: ``python -m benchmarks.measured``.

The modules are ``rows`` (the data and the split), ``fit`` (the parameters), ``score`` (the errors on rows that
the fit has not seen) and ``report`` (docs/measured.md).
"""
