"""The way of a record into the lake: surveyed, read and projected by worker processes, committed as one batch."""
