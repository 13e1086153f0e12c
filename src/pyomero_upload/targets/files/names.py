"""Names of images and tables → names of files that every system can store.

Stands before anything that makes a path. A name from disk or from a user's text is never a path: it may hold `/`, `..`, a
newline or 300 characters, be called `CON`, or differ from another in case alone. The manifest keeps the name itself beside
the file's, so the way back is never guessed. Rules: Microsoft, «Naming Files, Paths, and Namespaces».
"""

import re
import unicodedata
from collections.abc import Iterable

# Windows allows 260 characters for a whole path unless told otherwise; 255 bytes are the limit of a name elsewhere.
LONGEST = 100
_FORBIDDEN = re.compile(
    r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]'
)
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?",
    re.IGNORECASE | re.DOTALL,
)


def safe_name(name: str) -> str:
    """Return a file name close to `name` that all systems can store; may be the same for different names."""
    safe = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name))
    safe = _cut(safe.strip(), LONGEST)
    safe = re.sub(r"^\.|[. ]+$", "_", safe)
    if _RESERVED.fullmatch(safe):
        safe = f"_{safe}"
    return safe or "_"


def safe_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return a file name for each of `names`, no two alike, not even where case or accents do not count.

    The same names in the same order give the same result; names that are safe and unique stay as they are.
    """
    wanted = tuple(names)
    taken = {_folded(name) for name in wanted if safe_name(name) == name}
    given: set[str] = set()
    result = []
    for name in wanted:
        safe = candidate = safe_name(name)
        number = 1
        while _folded(candidate) in given or (candidate != name and _folded(candidate) in taken):
            number += 1
            candidate = f"{_cut(safe, LONGEST - 10)}~{number}"
        given.add(_folded(candidate))
        result.append(candidate)
    return tuple(result)


def safe_path(path: str) -> str:
    """Return a relative path, with `/` between its parts, each of them safe."""
    return "/".join(safe_name(part) for part in path.split("/"))


def storable(name: str) -> str:
    r"""Return a name as it is stored: bytes of a file name that are no text become `\udc..`, all else stays."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _cut(name: str, longest: int) -> str:
    """Cut to so many bytes of UTF-8, between characters."""
    return name.encode("utf-8", "replace")[:longest].decode("utf-8", "ignore")
