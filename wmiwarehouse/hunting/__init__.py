"""Runs analytics over a warehouse: filters, row order, summaries, and what a count of zero is worth."""
