"""Writes rows and messages: formats for data on stdout or in files, and the console for everything on stderr."""
