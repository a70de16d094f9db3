"""Thousands of texts that hold something sensitive, and thousands that only seem to: what the filter is measured by.

`python -m tests.corpus` prints recall and precision and writes `docs/filter-recall.md`. Nothing here was taken from the
detectors' own rules: shapes come from what vendors, standards and registries publish.
"""
