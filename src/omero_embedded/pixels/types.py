"""The pixel types of OMERO and how each lies in a file.

OMERO stores pixels big-endian whatever the machine; the names are those of the
enumeration `PixelsType`.
"""

from dataclasses import dataclass

import numpy as np

from omero_embedded.pixels.errors import PixelsError, UnknownTypeError

# Bio-Formats gives floating-point pixels the range of a 32-bit integer, since nothing
# else is known of them (loci.formats.FormatTools.defaultMinMax).
_FLOAT_RANGE = (-(2.0**31), 2.0**31 - 1)


@dataclass(frozen=True, slots=True)
class PixelType:
    """One pixel type.

    Parameters
    ----------
    name
        Value of the enumeration, such as ``uint16``.
    dtype
        The NumPy type of a value as it lies in the file, big-endian.
    """

    name: str
    dtype: np.dtype[np.generic]

    @property
    def byte_width(self) -> int:
        """Bytes of one value."""
        return self.dtype.itemsize

    @property
    def is_float(self) -> bool:
        """Whether values are floating-point numbers."""
        return self.dtype.kind == "f"

    @property
    def is_signed(self) -> bool:
        """Whether values can be negative."""
        return self.dtype.kind in "if"

    def value_range(self, significant_bits: int | None = None) -> tuple[float, float]:
        """Return the lowest and the highest value the type is taken to hold.

        Parameters
        ----------
        significant_bits
            `Pixels.significantBits`: of a 16-bit image from a 12-bit camera only 0 to 4095
            count. Ignored for floating-point types.
        """
        if self.is_float:
            return _FLOAT_RANGE
        bits = self.byte_width * 8
        if significant_bits is not None:
            bits = min(significant_bits, bits)
        if self.is_signed:
            return -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
        return 0.0, 2.0**bits - 1


_TYPES = {
    name: PixelType(name, np.dtype(code))
    for name, code in {
        "int8": ">i1",
        "uint8": ">u1",
        "int16": ">i2",
        "uint16": ">u2",
        "int32": ">i4",
        "uint32": ">u4",
        "float": ">f4",
        "double": ">f8",
    }.items()
}


def pixel_type(name: str) -> PixelType:
    """Return the pixel type of that name.

    Raises
    ------
    UnknownTypeError
        For complex pixels, which OMERO cannot store.
    PixelsError
        For ``bit``, which it cannot store either, and for names that are no pixel type.
    """
    found = _TYPES.get(name)
    if found is None and "complex" in name:
        raise UnknownTypeError(f"Unknown type: '{name}'")
    if found is None:
        raise PixelsError(f"Pixels of type '{name}' cannot be stored.")
    return found
