"""What is wrong with a call on pixels, in the exceptions that a client knows."""

from omero_embedded import errors
from omero_embedded.pixels.errors import (
    BeingWrittenError,
    BrokenPyramidError,
    OutOfBoundsError,
    PixelsError,
    ReadOnlyError,
    UnknownTypeError,
    UnsupportedError,
    WriteModeError,
    WrongLengthError,
)


def as_omero(error: PixelsError) -> Exception:
    """Return the exception that the real server raises in such a case."""
    if isinstance(error, (OutOfBoundsError, ReadOnlyError, WriteModeError, UnknownTypeError)):
        return errors.api_usage(str(error))
    if isinstance(error, (WrongLengthError, BrokenPyramidError)):
        return errors.resource(str(error))
    if isinstance(error, BeingWrittenError):
        return errors.lock_timeout(str(error), 15)
    if isinstance(error, UnsupportedError):
        return errors.internal(
            f"Wrapped Exception: (java.lang.UnsupportedOperationException):\n{error}"
        )
    return errors.wrapped(error)
