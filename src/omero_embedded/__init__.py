"""An OMERO server in Python: for trying things on, and for tests."""
