"""The version, in a module of its own that imports nothing."""

__version__ = "6.0.0.dev0"
