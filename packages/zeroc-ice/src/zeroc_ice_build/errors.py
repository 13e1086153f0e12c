"""The one error of this package: its text is for the person who started the build."""


class BuildError(Exception):
    """The wheel cannot be built; the message says what happened and what to do."""
