"""What holds unless told otherwise.

Imports nothing, so that the command line and the pages can say it where omero-py is not installed.
"""

DEFAULT_PORT = 4064
"""Where OMERO servers listen."""

PATIENCE = 600.0
"""Seconds that a fault is waited out: the usual idle time of a session."""
