"""A PNG with its pixels inflated, so that libpng need not do it.

Inflating with zlib takes libpng two thirds of its time; libdeflate takes a third of that. So the compressed stream is
inflated here and put back as a deflate stream that is merely stored; filters, bits, palettes and checksums are left to
libpng. What is not quite as usual is left to it altogether, and so are all complaints.
"""

import struct
from typing import Final

import imagecodecs

_SIGNATURE_BYTES: Final = 8
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# A zlib header: deflate, the fastest level, no dictionary (RFC 1950).
_ZLIB_HEADER: Final = b"\x78\x01"
# The length of a stored block has 16 bits (RFC 1951).
_STORED_BYTES: Final = 65535
# The length of a chunk has 31 bits; a stored block adds 5 bytes to each 65,535.
_MOST_BYTES: Final = (1 << 31) - (1 << 20)


def inflated(data: bytes) -> bytes:
    """Return the same image with its pixels stored instead of compressed.

    Parameters
    ----------
    data
        A PNG file with all its chunks.

    Returns
    -------
    bytes
        A PNG file that decodes to the same pixels; `data` itself where it is interlaced, damaged, or of a kind that is
        not known here.

    """
    if not imagecodecs.DEFLATE.available:
        return data
    found, size = _compressed(data), _raw_size(data)
    if found is None or not 0 < size < _MOST_BYTES:
        return data
    start, stream, end = found
    try:
        raw = imagecodecs.deflate_decode(stream, out=size)
    except imagecodecs.DeflateError:
        return data
    if len(raw) != size:
        return data
    body = _stored(raw)
    crc = imagecodecs.deflate_crc32(body, imagecodecs.deflate_crc32(b"IDAT"))
    chunk = [struct.pack(">I4s", len(body), b"IDAT"), body, struct.pack(">I", crc)]
    return b"".join([data[:start], *chunk, data[end:]])


def _compressed(data: bytes) -> tuple[int, bytes, int] | None:
    """Return where the chunks with pixels begin, their content, and where they end; None where that is not plain.

    Their checksums are compared here, as libpng will not see them.
    """
    view = memoryview(data)
    place, start = _SIGNATURE_BYTES, 0
    parts: list[memoryview] = []
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        content = place + 8
        if kind == b"IDAT":
            start = start or place
            if length > len(data) - content - 4:
                return None
            (crc,) = struct.unpack_from(">I", data, content + length)
            if imagecodecs.deflate_crc32(data[place + 4 : content + length]) != crc:
                return None
            parts.append(view[content : content + length])
        elif parts:
            return start, b"".join(parts), place
        place = content + length + 4
    return None


def _raw_size(data: bytes) -> int:
    """Return the bytes of all rows, each with the byte that names its filter; 0 for what is not known or interlaced."""
    width, height, bits, color, *_, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    channels = _CHANNELS.get(color, 0)
    return 0 if interlaced else int(height * (1 + (width * bits * channels + 7) // 8))


def _stored(raw: bytes | bytearray) -> bytes:
    """Return a zlib stream of blocks that are not compressed."""
    view = memoryview(raw)
    parts: list[bytes | memoryview] = [_ZLIB_HEADER]
    for place in range(0, len(raw), _STORED_BYTES):
        block = view[place : place + _STORED_BYTES]
        last = place + _STORED_BYTES >= len(raw)
        parts += [struct.pack("<?HH", last, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack(">I", imagecodecs.deflate_adler32(raw)))
    return b"".join(parts)
