"""Text files opened as bytes, whatever their marks say: what reads them finds line ends and ASCII where it looks for them.

Below everything that reads text: the metadata parsers, and `yaml_file`.
"""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Protocol


class ByteSource(Protocol):
    """What can be read block by block."""

    def read(self, size: int, /) -> bytes:
        """Return at most about `size` bytes, none at the end."""


@contextmanager
def open_text(path: Path) -> Iterator[ByteSource]:
    """Open a text file as bytes in which line ends are single ASCII characters.

    UTF-16 is recoded to UTF-8 on the way, and a UTF-8 byte order mark is dropped; everything else comes as it is.
    """
    with path.open("rb") as raw:
        start = raw.read(3)
        if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raw.seek(0)
            yield _Recoded(raw)
        else:
            raw.seek(3 if start == codecs.BOM_UTF8 else 0)
            yield raw


class _Recoded:
    """UTF-16 read as UTF-8; what is no UTF-16 becomes the replacement character."""

    def __init__(self, raw: BufferedReader) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")

    def read(self, size: int, /) -> bytes:
        """Return at most about `size` bytes, none at the end."""
        while block := self._raw.read(size):
            if text := self._decoder.decode(block):
                return text.encode("utf-8", errors="replace")
        return self._decoder.decode(b"", final=True).encode("utf-8", errors="replace")
