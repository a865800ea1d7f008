"""Figures of cases: totals, statistics, comparison with a baseline, gates."""
