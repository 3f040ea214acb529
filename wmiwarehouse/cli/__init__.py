"""The command line: one module per command, thin, over what the other layers offer.

Nothing heavy (duckdb, pyarrow, sqlglot, pydantic, rich) is imported before a command needs it, so that help is quick.
"""
