"""Turns files of strangers into records: which format a file is, where its records lie, and each record as JSON text.

A reader never trusts a file: sizes, offsets and counts are checked first (the *survey*), what is damaged is named with
its position, and everything else is read.
"""
