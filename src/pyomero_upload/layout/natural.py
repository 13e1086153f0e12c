"""The order in which people count: `pos2` before `pos10`."""

import re

_NUMBER = re.compile(r"([0-9]+)")


def natural_key(text: str) -> tuple[tuple[str | tuple[int, str], ...], str]:
    """Return a sort key under which numbers inside names count as numbers.

    Parameters
    ----------
    text
        A name or a path.

    Returns
    -------
    tuple
        Comparable with every other key; equal for equal texts alone, so that the order never depends on chance.

    """
    parts = _NUMBER.split(text)
    # Odd places hold digits. Length before digits compares as the number does, however long it is.
    return tuple(
        _number(part) if place % 2 else part.casefold() for place, part in enumerate(parts)
    ), text


def _number(digits: str) -> tuple[int, str]:
    significant = digits.lstrip("0")
    return len(significant), significant
