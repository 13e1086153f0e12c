"""Patterns: what a user writes about file names, turned into something that reads them.

A template is the name with its changing parts in braces, `{position}/{prefix}_{t:d}_{c}_{z:d}`; who needs more writes a
regular expression with named groups. Both are compared with the path from its end: the last file name, and as many
folders before it as the pattern has.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import regex

from pyomero_upload.errors import UsageError

IMAGE_EXTENSIONS: Final = ("png", "tif", "tiff", "stk", "jpg", "jpeg", "gif", "bmp")

# What fields may be called, and what each means.
_FIELDS: Final[Mapping[str, str]] = {
    "position": "position",
    "well": "well",
    "s": "site",
    "site": "site",
    "t": "t",
    "time": "t",
    "c": "c",
    "channel": "c",
    "cname": "cname",
    "z": "z",
}
_IGNORED: Final = ("prefix", "anything", "any", "ext")
_NUMBERS: Final = frozenset({"t", "z"})
_MAY_BE_EMPTY: Final = frozenset({"cname"})
_KNOWN_EXTENSION: Final = rf"(?i:\.(?:{'|'.join(IMAGE_EXTENSIONS)}))"
_OWN_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]*$")
_FIELD = re.compile(r"\{(?P<name>[A-Za-z_]*)(?::(?P<spec>[^{}]*))?\}")
_NUMBERED_GROUP = re.compile(r"\(\?P?<(?:c|channel)>(?:\[0-9\]|\\d)")
_SPEC = re.compile(r"0?(?P<width>[0-9]{0,2})d")

# A sane regular expression needs microseconds for a name. One that needs this long would need hours for all of them.
_SECONDS_PER_NAME: Final = 1.0

FIELDS_HINT: Final = (
    "Fields are {position} {well} {s} {t} {c} {cname} {z}, and {prefix} or {any} for what does not matter. "
    "{t:d} means a number, {t:03d} one of at least three digits."
)


class Reading(NamedTuple):
    """What one name says. Numbers are still text; None where the name says nothing.

    Attributes
    ----------
    root
        The folders before the part that the pattern is about.

    """

    root: str
    position: str | None
    well: str | None
    site: str | None
    t: str | None
    c: str | None
    cname: str | None
    z: str | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; made by `compile_pattern`.

    Attributes
    ----------
    text
        As the user wrote it.
    fields
        What its names tell: some of `position`, `well`, `site`, `t`, `c`, `cname`, `z`.
    numbered_channels
        Channels are numbers (`{c:d}`) and not names (`{c}`, where `405` is a name too).

    """

    text: str
    fields: frozenset[str]
    numbered_channels: bool
    _reader: "_FixedReader | _GuardedReader"

    def read(self, path: str) -> Reading | None:
        """Read one path.

        Parameters
        ----------
        path
            With `/` between its parts; begins with the name of the source folder.

        Returns
        -------
        Reading or None
            None if the path does not fit.

        Raises
        ------
        UsageError
            If a regular expression of the user's needs longer than a second for this one name.

        """
        return self._reader.read(path)


class _FixedReader:
    """Reads paths with an expression that is known to be quick, about a fixed number of folders.

    Parameters
    ----------
    expression
        For the end of the path, with groups named after fields.
    folders
        How many folders it is about.

    """

    def __init__(self, expression: str, folders: int) -> None:
        # The group at the end never takes part; its None stands for the fields that the expression has not.
        self._expression = re.compile(f"{expression}(?:(?!)())?", re.DOTALL)
        self._folders = folders
        groups = dict.fromkeys(Reading._fields[1:], self._expression.groups)
        groups |= {_FIELDS[name]: n for name, n in self._expression.groupindex.items()}
        self._groups = tuple(groups.values())

    def read(self, path: str) -> Reading | None:
        cut = path.rfind("/")
        for _ in range(self._folders):
            cut = path.rfind("/", 0, max(cut, 0))
        match = self._expression.fullmatch(path, cut + 1)
        return None if match is None else Reading(path[: max(cut, 0)], *match.group(*self._groups))


class _GuardedReader:
    """Reads paths with an expression of the user's: any number of folders, and no trust in its speed."""

    def __init__(self, text: str, expression: "regex.Pattern[str]") -> None:
        self._text = text
        self._expression = expression

    def read(self, path: str) -> Reading | None:
        stem, dot, extension = path.rpartition(".")
        ends = [stem] if dot and extension.lower() in IMAGE_EXTENSIONS else []
        cut = len(path)
        while cut > 0:
            cut = path.rfind("/", 0, cut)
            for whole in (*ends, path):
                said = self._match(whole, cut + 1)
                if said is not None:
                    values = (said.get(field) for field in Reading._fields[1:])
                    return Reading(path[: max(cut, 0)], *values)
        return None

    def _match(self, path: str, start: int) -> dict[str, str] | None:
        try:
            match = self._expression.fullmatch(path, start, timeout=_SECONDS_PER_NAME)
        except TimeoutError:
            raise UsageError(
                f"The regular expression {self._text} takes more than a second for the name {path}",
                hint="Avoid a repeat inside a repeat, as in (a+)+, and say what separates the parts of the name.",
            ) from None
        if match is None:
            return None
        found = match.groupdict().items()
        return {_FIELDS[name]: text for name, text in found if name in _FIELDS and text is not None}


def compile_pattern(text: str, *, trusted: bool = False) -> Pattern:
    r"""Compile a template, or a regular expression with named groups.

    Parameters
    ----------
    text
        A regular expression if it holds `(?P<` or `(?<`, else a template. A `\` in a template means `/`.
    trusted
        The regular expression is known to be quick and to be about as many folders as it has `/`; no time is spent
        on guarding against it.

    Raises
    ------
    UsageError
        If it cannot be understood; the message points to the place.

    """
    if "(?P<" in text or "(?<" in text:
        return _compile_regex(text, trusted=trusted)
    return _compile_template(text.replace("\\", "/"))


def _error(text: str, place: int, what: str, hint: str = FIELDS_HINT) -> UsageError:
    return UsageError(
        f"The pattern cannot be understood: {what}\n  {text}\n  {' ' * place}^", hint=hint
    )


def _compile_regex(text: str, *, trusted: bool) -> Pattern:
    try:
        compiled = regex.compile(text, regex.DOTALL)
    except regex.error as error:
        place = getattr(error, "pos", None) or 0
        raise _error(
            text,
            place,
            str(error),
            "It is read as a regular expression, because it holds (?P<.",
        ) from None
    for name in compiled.groupindex:
        if name not in _FIELDS and name not in _IGNORED:
            raise _error(
                text,
                text.find(f"(?P<{name}>") + len("(?P<"),
                f"there is no field «{name}»",
                "Groups may be called "
                + ", ".join((*_FIELDS, *_IGNORED))
                + ". Write (?:…) for a group without a name.",
            )
    fields = frozenset(_FIELDS[name] for name in compiled.groupindex if name in _FIELDS)
    reader: _FixedReader | _GuardedReader = _GuardedReader(text, compiled)
    if trusted:
        reader = _FixedReader(f"{text}{_KNOWN_EXTENSION}", text.replace("[^/", "").count("/"))
    return Pattern(text, fields, _NUMBERED_GROUP.search(text) is not None, reader)


def _compile_template(text: str) -> Pattern:
    if not text:
        raise _error(text, 0, "it is empty")
    body, extension = _split_extension(text)
    pieces: list[str] = []
    seen: dict[str, str] = {}
    place = 0
    while place < len(body):
        if body.startswith(("{{", "}}"), place):
            pieces.append(re.escape(body[place]))
            place += 2
        elif body[place] == "{":
            found = _FIELD.match(body, place)
            if found is None:
                raise _error(
                    text, place, "this brace opens no field; write {{ for a brace in the name"
                )
            pieces.append(_field_regex(text, found, seen))
            place = found.end()
        elif body[place] == "}":
            raise _error(text, place, "this brace closes nothing; write }} for a brace in the name")
        else:
            pieces.append(re.escape(body[place]))
            place += 1
    if not any(name in _FIELDS for name in seen):
        raise _error(text, 0, "it has no field, so every name would be the same plane")
    fields = frozenset(_FIELDS[name] for name in seen if name in _FIELDS)
    numbered = any(seen.get(name, "").startswith("[0-9]") for name in ("c", "channel"))
    reader = _FixedReader("".join(pieces) + extension, text.count("/"))
    return Pattern(text, fields, numbered, reader)


def _split_extension(text: str) -> tuple[str, str]:
    """Return the template without its extension, and a regular expression for the extension."""
    for end in (".{ext}", "{ext}"):
        if text.endswith(end):
            return text.removesuffix(end), _KNOWN_EXTENSION
    own = _OWN_EXTENSION.search(text)
    if own is not None:
        return text[: own.start()], f"(?i:{re.escape(own[0])})"
    return text, _KNOWN_EXTENSION


def _field_regex(text: str, found: "re.Match[str]", seen: dict[str, str]) -> str:
    """Return the regular expression for one `{field}` of a template."""
    name, spec = found["name"], found["spec"]
    if name not in _FIELDS and name not in _IGNORED:
        raise _error(text, found.start() + 1, f"there is no field «{name}»")
    digits = None if spec is None else _SPEC.fullmatch(spec)
    if spec and digits is None:
        raise _error(
            text, found.start("spec"), f"a field may be followed by :d or :03d, not by :{spec}"
        )
    if digits is not None and digits["width"]:
        # As few digits as can be, so that {c:1d}{cname} reads w1488nm as channel 1 called 488nm.
        body = rf"[0-9]{{{int(digits['width'])},}}?"
    elif digits is not None or _FIELDS.get(name) in _NUMBERS:
        body = "[0-9]+"
    elif name in _IGNORED or name in _MAY_BE_EMPTY:
        body = "[^/]*"
    else:
        body = "[^/]+"
    if name in _IGNORED:
        return f"(?:{body})"
    if name in seen:
        return f"(?P={name})"
    for other in seen:
        if _FIELDS.get(other) == _FIELDS[name]:
            raise _error(text, found.start() + 1, f"«{name}» is the same field as «{other}»")
    seen[name] = body
    return f"(?P<{name}>{body})"
