"""What ``wmiwh batch`` does: a file that describes a whole run, its execution, its outputs and its mail."""
