"""Decode steps timed on an NVIDIA GPU, beside what the library predicts for it: ``python -m benchmarks.gpu``."""
