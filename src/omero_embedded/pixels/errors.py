"""What can be wrong with a call on pixels.

Everything below the services raises these and knows nothing of Ice; `faults.py` of this
package turns them into the exceptions a client sees. `java` is the name of the Java exception
that the real server lets through at that place (ome.io.nio.RomioPixelBuffer), where a client
sees one.
"""

from typing import ClassVar


class PixelsError(Exception):
    """A call on pixels that cannot be carried out."""

    java: ClassVar[str | None] = None


class UnknownTypeError(PixelsError):
    """A pixel type that OMERO knows but cannot store."""


class OutOfBoundsError(PixelsError):
    """An index, or a region, that lies outside the image."""


class TooLargeError(OutOfBoundsError):
    """A region of more bytes than one call can carry."""


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


class IllegalPositionError(PixelsError):
    """A position in a buffer or a file, or a number of bytes, that cannot be."""

    java = "java.lang.IllegalArgumentException"


class NegativeSizeError(PixelsError):
    """A region of less than nothing."""

    java = "java.lang.NegativeArraySizeException"


class BeyondPlaneError(PixelsError):
    """A place that is looked for beyond the end of a plane, or a channel that there is not."""

    java = "java.lang.IndexOutOfBoundsException"


class CubeOutOfBoundsError(PixelsError):
    """A hypercube that lies outside the image, or is none."""

    java = "ome.io.nio.DimensionsOutOfBoundsException"


class RowsOutOfBoundsError(PixelsError):
    """Rows of a plane that there is not, which are written all the same."""

    java = "java.lang.RuntimeException"
