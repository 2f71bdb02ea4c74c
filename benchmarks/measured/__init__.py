"""The fit of ``runtime="measured"``: ``python -m benchmarks.measured``.

The modules are ``specs`` and ``rows`` (the data and the split), ``single_kernels``, ``fit`` (the numbers), ``score`` (the errors on
sources that the fit has not seen), ``study`` (all of it), ``nested`` (the form, chosen without each source) and ``report``
(docs/measured.md).
"""
