"""What can be wrong with a call on pixels.

Everything below the services raises these and knows nothing of Ice; `faults.py` of this
package turns them into the exceptions a client sees.
"""


class PixelsError(Exception):
    """A call on pixels that cannot be carried out."""


class UnknownTypeError(PixelsError):
    """A pixel type that OMERO knows but cannot store."""


class OutOfBoundsError(PixelsError):
    """An index, or a region, that lies outside the image."""


class ReadOnlyError(PixelsError):
    """A write through a store that was opened when the file was there already."""


class WrongLengthError(PixelsError):
    """A number of bytes that is not the number the region holds."""


class UnsupportedError(PixelsError):
    """An operation that this kind of pixel file does not have."""


class WriteModeError(PixelsError):
    """A question that a pyramid answers only after it was written."""


class BrokenPyramidError(PixelsError):
    """A pyramid that was closed before all its tiles were written."""


class BeingWrittenError(PixelsError):
    """A pyramid that another store is writing."""
