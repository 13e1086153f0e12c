"""The language of full-text searches: what Lucene 3.0's query parser understands, and how OMERO writes it.

Understood: words, "phrases", * and ? in words, `word~` for words like it, AND and &&, OR and || (the default), NOT and !,
+ and -, parentheses, `field:word`, and weights, which change nothing here. Words are rows of letters and digits, in
either case: a word with others in it, such as `a.tif`, is a phrase.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from omero_embedded import errors

TOKEN = re.compile(r"[^\W_]+")
"""A row of letters and digits."""

LEXEME = re.compile(
    r"""\s*(?:
    (?P<phrase>"(?:[^"\\]|\\.)*")
  | (?P<word>(?:[^\s+\-!():^\[\]"{}~\\]|\\.)(?:[^\s!():^\[\]"{}~\\]|\\.)*)
  | (?P<fuzzy>~[\d.]*)
  | (?P<weight>\^[\d.]+)
  | (?P<mark>[-+!():])
    )""",
    re.VERBOSE,
)
WORDS = {"AND": "and", "&&": "and", "OR": "or", "||": "or", "NOT": "!"}
KEPT = frozenset("*?~_-:")
"""What is neither letter nor digit and stays in a search that `written` writes."""

LIKENESS = 0.5
"""How much of a word must be the same for another to be like it."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase in a field (None: in any).

    Attributes
    ----------
    field
        Its name.
    tokens
        What must stand in a row; where `wild`, * and ? stand for others.
    wild, fuzzy
        Whether the one token is a pattern; whether it may be one like it.
    """

    field: str | None
    tokens: tuple[str, ...]
    wild: bool = False
    fuzzy: bool = False

    def among(self, text: str | None) -> list[str]:
        """Return the words of a text that are like the term's."""
        tokens = TOKEN.findall((text or "").lower())
        return [token for token in tokens if _alike(self.tokens[0], token)]

    def is_in(self, text: str | None) -> bool:
        """Whether a text holds the term."""
        if self.fuzzy:
            return bool(self.among(text))
        tokens = TOKEN.findall((text or "").lower())
        if self.wild:
            pattern = re.compile(
                "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in self.tokens[0])
            )
            return any(pattern.fullmatch(token) for token in tokens)
        count = len(self.tokens)
        return any(
            tuple(tokens[start : start + count]) == self.tokens
            for start in range(len(tokens) - count + 1)
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Several conditions: all of `must` hold, none of `never`, and one of `may` where there is no `must`."""

    must: tuple["Condition", ...]
    may: tuple["Condition", ...]
    never: tuple["Condition", ...]


Condition: TypeAlias = Term | Group


def _alike(one: str, other: str) -> bool:
    """Whether less than half of the shorter word must change to make one of the other."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return 1 - row[-1] / min(len(one), len(other)) > LIKENESS


# ---------------------------------------------------------------- reading
def parse(text: str) -> Condition:
    """Read a search.

    Raises
    ------
    omero.ApiUsageException
        It is not in the language, or empty.
    """
    reader = _Reader(text)
    found = reader.group(None)
    if reader.here() is not None:
        raise reader.wrong()
    return Group((), (), ()) if found is None else found


class _Reader:
    """A search, and how far it has been read."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._lexemes: list[tuple[str, str]] = []
        start, end = 0, len(text.rstrip())
        while start < end:
            found = LEXEME.match(text, start)
            if found is None:
                raise self.wrong()
            kind = str(found.lastgroup)
            value = found[kind]
            self._lexemes.append(
                (WORDS.get(value, "word"), value) if kind == "word" else (kind, value)
            )
            start = found.end()

    def wrong(self) -> Exception:
        here = self._lexemes[self._at][1] if self._at < len(self._lexemes) else "<EOF>"
        return errors.api_usage(
            f"{self._text} caused a parse exception: Cannot parse '{self._text}': Encountered \"{here}\""
        )

    def here(self) -> str | None:
        """Return what comes next: a mark as itself, else its kind; None at the end."""
        if self._at == len(self._lexemes):
            return None
        kind, value = self._lexemes[self._at]
        return value if kind == "mark" else kind

    def _take(self) -> str:
        self._at += 1
        return self._lexemes[self._at - 1][1]

    def group(self, field: str | None) -> Condition | None:
        """Read conditions up to a closing parenthesis or the end. None: nothing in them can be found."""
        must: list[Condition] = []
        may: list[Condition] = []
        never: list[Condition] = []
        last: list[Condition] | None = None
        first = True
        while first or self.here() not in (None, ")"):
            joined = not first and self.here() in ("and", "or") and self._take() in ("AND", "&&")
            first = False
            if joined and last is may and may:
                must.append(may.pop())
            sign = self._take() if self.here() in ("+", "-", "!") else ""
            condition = self._condition(field)
            if condition is not None:
                last = never if sign not in ("", "+") else must if joined or sign else may
                last.append(condition)
        return Group(tuple(must), tuple(may), tuple(never)) if must or may or never else None

    def _condition(self, field: str | None) -> Condition | None:
        if self.here() == "word" and self._lexemes[self._at + 1 : self._at + 2] == [("mark", ":")]:
            field = _plain(self._take())
            self._take()
        if self.here() == "(":
            self._take()
            found = self.group(field)
            if self.here() != ")":
                raise self.wrong()
            self._take()
        elif self.here() == "phrase":
            found = _words(field, _plain(self._take()[1:-1]))
            self._fuzzy()
        elif self.here() == "word":
            found = self._word(field)
        else:
            raise self.wrong()
        if self.here() == "weight":
            self._take()
        return found

    def _word(self, field: str | None) -> Condition | None:
        word = self._take()
        if re.search(r"(?<!\\)[*?]", word):
            return Term(field, (word.lower(),), wild=True)
        if self._fuzzy():
            return Term(field, (_plain(word).lower(),), fuzzy=True)
        return _words(field, _plain(word))

    def _fuzzy(self) -> bool:
        found = self.here() == "fuzzy"
        if found:
            self._take()
        return found


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _words(field: str | None, text: str) -> Term | None:
    tokens = tuple(TOKEN.findall(text.lower()))
    return Term(field, tokens) if tokens else None


# ---------------------------------------------------------------- writing
def written(fields: Sequence[str], text: str) -> str:
    """Return the search for what a person typed, in some fields; empty where there is nothing to look for.

    As ome.util.search.LuceneQueryBuilder: what is neither letter nor digit parts words, outside quotes; each word may
    stand in any of the fields; words between which AND stands belong together, all else is one or the other.

    Raises
    ------
    omero.ApiUsageException
        AND stands alone, or last after words that it does not join.
    """
    words = [
        found[0] for found in re.finditer(r'"[^"]*"|\S+', _parted(text)) if found[0].strip("*?~")
    ]
    words = [f'"{w[1:-1].strip()}"' if re.fullmatch(r'"[^"]*"', w) else w for w in words]
    terms = [
        w if w == "AND" or ":" in w or not fields else " ".join(f"{f}:{w}" for f in fields)
        for w in words
    ]
    return " ".join(_joined(terms))


def _parted(text: str) -> str:
    quoted, made = False, []
    for c in text:
        quoted ^= c == '"'
        made.append(c if quoted or c == '"' or c.isalnum() or c in KEPT else " ")
    return "".join(made)


def _joined(terms: list[str]) -> list[str]:
    """Return terms of which those between which AND stands are put together."""
    made: list[str] = []
    together: list[str] = []
    at, within = 0, False
    while at < len(terms):
        term, after = terms[at], terms[at + 1 : at + 2]
        if after == ["AND"]:
            together.append(term)
            within = True
            at += 1
        elif within:
            together.append(term)
            within = False
        elif not after and term == "AND":
            raise errors.api_usage(
                "Invalid query: AND expression must be followed by a search term!"
            )
        else:
            if together and after:
                made.append(_all_of(together))
                together = []
            made.append(term)
        at += 1
    return [*made, _all_of(together)] if together else made


def _all_of(terms: list[str]) -> str:
    return "(" + " AND ".join(f"({t})" for t in terms) + ")"
