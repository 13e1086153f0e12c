"""Finding Projects, Datasets and Images again, by what is said of them.

Stands beside `reading`: this says which objects there are, that brings one of them back. Asks the server in HQL that every
OMERO.server 5.6 takes; what the user types goes there as parameters alone.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, overload

import omero.rtypes
import omero.sys
import pandas as pd

from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.reading import KINDS, Kind

# How many ids a query takes at once. Far more would do; a query's text has to stay readable in the server's log.
_CHUNK = 1000
_ESCAPE = "!"
_LIKE = {"*": "%", "?": "_", **{sign: _ESCAPE + sign for sign in ("%", "_", _ESCAPE)}}
_PIECES = re.compile(r"\\[*?\\]|[*?%_!]|[^*?%_!\\]+|\\")


@dataclass(frozen=True, slots=True)
class Result:
    """A Project, Dataset or Image that was found.

    Attributes
    ----------
    kind, id, name
        Which object.
    owner, group
        Whose, by login name, and in which group.
    created
        When it was made on the server, in the local time zone.
    acquired
        When an Image was taken, where that is known; None for the others.
    path
        Where it lies, by names: `Project/Dataset` for an Image, `Project` for a Dataset. Of several places the oldest;
        empty for an orphan.

    """

    kind: Kind
    id: int
    name: str
    owner: str
    group: str
    created: datetime
    acquired: datetime | None
    path: str


@dataclass(frozen=True, slots=True)
class Results(Sequence[Result]):
    """What was found: Projects, Datasets, Images, each newest first.

    Attributes
    ----------
    items
        The objects.
    more
        There are more than the limit that was asked for.

    """

    items: tuple[Result, ...]
    more: bool = False

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Result, ...]: ...
    def __getitem__(self, index: int | slice) -> Result | tuple[Result, ...]:
        """Return one, or several."""
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def frame(self) -> pd.DataFrame:
        """Return a table, one row a result, with the attributes of `Result` as columns; times in UTC."""
        columns = [field.name for field in fields(Result)]
        rows = [[getattr(item, name) for name in columns] for item in self.items]
        frame = pd.DataFrame(rows, columns=columns).astype({"id": "int64"})
        for name in ("created", "acquired"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        return frame


class Searcher:
    """Finds objects on a server.

    Parameters
    ----------
    connection
        A session.
    all_groups
        Search everything that its user may read, in every group; False: in the group of the connection alone.

    """

    def __init__(self, connection: Connection, *, all_groups: bool = True) -> None:
        self._query = connection.query
        self._context = {"omero.group": "-1"} if all_groups else {}

    def find(
        self,
        *,
        name: str | None = None,
        tags: Sequence[str] = (),
        key_values: Sequence[tuple[str, str]] = (),
        text: str | None = None,
        owner: str | None = None,
        since: date | None = None,
        until: date | None = None,
        project: str | None = None,
        kinds: Sequence[Kind] = KINDS,
        limit: int | None = None,
    ) -> Results:
        r"""Return the objects of which everything that is asked for is true.

        Texts are compared whole and in any letter case. `*` stands for any text, `?` for one character; a backslash
        before them takes them as they are. Tags and key-values are those of the object itself.

        Parameters
        ----------
        name
            The object's name.
        tags
            It has a tag for each of these.
        key_values
            It has a key-value pair for each of these; both parts may have wildcards.
        text
            Somewhere in its name, description, tags, comments, keys or values.
        owner
            Login name, or first and last name.
        since, until
            The day (or the moment, in local time unless it says otherwise) from which and up to which, inclusive. For an
            Image when it was taken, where that is known; else when it was made on the server.
        project
            The name of the Project that it is, or lies in.
        kinds
            Which kinds of objects.
        limit
            How many at most, of all kinds together.

        Raises
        ------
        UsageError
            If something to look for is empty, or `limit` is not positive.

        """
        if limit is not None and limit < 1:
            raise UsageError("The limit must be at least 1.", hint="Leave it out to get all.")
        owners = None if owner is None else self._users(owner)
        if owners == []:
            return Results(())
        found: list[Result] = []
        for kind in (kind for kind in KINDS if kind in kinds):
            asked = _Question(kind)
            asked.about_names(name=name, owners=owners, project=project)
            asked.about_annotations(tags=tags, key_values=key_values, text=text)
            asked.about_time(since=since, until=until)
            left = None if limit is None else limit + 1 - len(found)
            if left != 0:
                found.extend(self._ask(asked, left))
        return Results(tuple(found[:limit]), more=limit is not None and len(found) > limit)

    def _users(self, pattern: str) -> list[int]:
        """Return the ids of the users whose login name, or first and last name, is as the pattern has it.

        Compared here: inside expressions of HQL, names of people are not what they are elsewhere (`7;Ada` for `Ada`).
        """
        wanted = re.compile(_regular_expression(pattern), re.IGNORECASE | re.DOTALL)
        rows = self._rows("select o.id, o.omeName, o.firstName, o.lastName from Experimenter o")
        return [
            int(user)
            for user, login, first, last in rows
            if wanted.fullmatch(login) or wanted.fullmatch(f"{first or ''} {last or ''}".strip())
        ]

    def _ask(self, asked: "_Question", limit: int | None) -> Iterator[Result]:
        rows = self._rows(asked.hql(), asked.parameters, limit)
        paths = self._paths(asked.kind, [row[0] for row in rows])
        for identifier, name, owner, group, created, *taken in rows:
            acquired = taken[0] if taken else None
            yield Result(
                asked.kind,
                identifier,
                name or "",
                owner,
                group,
                _moment(created),
                None if acquired is None else _moment(acquired),
                paths.get(identifier, ""),
            )

    def _paths(self, kind: Kind, ids: Sequence[int]) -> dict[int, str]:
        """Say where objects lie, by their ids."""
        if kind == "Project":
            return {}
        parents = self._parents(kind, ids)
        names = {child: name for child, (_, name) in parents.items()}
        if kind == "Dataset":
            return names
        above = self._paths("Dataset", [*{parent for parent, _ in parents.values()}])
        return {
            child: f"{above[parent]}/{names[child]}" if parent in above else names[child]
            for child, (parent, _) in parents.items()
        }

    def _parents(self, kind: Kind, ids: Sequence[int]) -> dict[int, tuple[int, str]]:
        """Return the id and name of what each object lies in."""
        link = {"Dataset": "ProjectDatasetLink", "Image": "DatasetImageLink"}[kind]
        hql = (
            f"select l.child.id, p.id, p.name from {link} l join l.parent p "
            "where l.child.id in (:ids) order by l.id desc"
        )
        parents: dict[int, tuple[int, str]] = {}
        for start in range(0, len(ids), _CHUNK):
            chunk = _rlongs(ids[start : start + _CHUNK])
            # The last to be set is the oldest link.
            for child, parent, name in self._rows(hql, {"ids": chunk}):
                parents[child] = parent, name
        return parents

    def _rows(
        self, hql: str, values: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> list[list[Any]]:
        parameters = omero.sys.ParametersI(dict(values or {}))
        if limit is not None:
            parameters.page(0, limit)
        rows = self._query.projection(hql, parameters, self._context)
        return [[omero.rtypes.unwrap(value) for value in row] for row in rows]


class _Question:
    """A query that is being put together: conditions, joined by and, and the values of their parameters."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.parameters: dict[str, Any] = {}
        self._conditions: list[str] = []

    def hql(self) -> str:
        taken = ", x.acquisitionDate" if self.kind == "Image" else ""
        where = f" where {' and '.join(self._conditions)}" if self._conditions else ""
        return (
            f"select x.id, x.name, o.omeName, g.name, e.time{taken} from {self.kind} x "
            "join x.details.owner o join x.details.group g join x.details.creationEvent e"
            f"{where} order by e.time desc, x.id desc"
        )

    def about_names(
        self, *, name: str | None, owners: Sequence[int] | None, project: str | None
    ) -> None:
        if name is not None:
            self._where(self._like(name, "x.name"))
        if owners is not None:
            self._where(f"o.id in (:{self._parameter(_rlongs(owners))})")
        if project is not None:
            in_project = f"from ProjectDatasetLink p where {self._like(project, 'p.parent.name')}"
            self._where(
                {
                    "Project": self._like(project, "x.name"),
                    "Dataset": f"x.id in (select p.child.id {in_project})",
                    "Image": "x.id in (select i.child.id from DatasetImageLink i where "
                    f"i.parent.id in (select p.child.id {in_project}))",
                }[self.kind]
            )

    def about_annotations(
        self, *, tags: Sequence[str], key_values: Sequence[tuple[str, str]], text: str | None
    ) -> None:
        for tag in tags:
            self._where(self._annotated("TagAnnotation a", self._like(tag, "a.textValue")))
        for key, value in key_values:
            pair = f"{self._like(key, 'm.name')} and {self._like(value, 'm.value')}"
            self._where(self._annotated("MapAnnotation a join a.mapValue m", pair))
        if text is not None:
            anywhere = f"*{text}*" if text else ""
            places = (
                self._like(anywhere, "x.name", "x.description"),
                self._annotated("TextAnnotation a", self._like(anywhere, "a.textValue")),
                self._annotated(
                    "MapAnnotation a join a.mapValue m", self._like(anywhere, "m.name", "m.value")
                ),
            )
            self._where(f"({' or '.join(places)})")

    def about_time(self, *, since: date | None, until: date | None) -> None:
        if since is not None:
            self._where(self._when(">=", _start(since)))
        if until is not None:
            whole_day = not isinstance(until, datetime)
            end = _start(until + timedelta(days=1)) if whole_day else _start(until)
            self._where(self._when("<" if whole_day else "<=", end))

    def _annotated(self, annotations: str, condition: str) -> str:
        """Say that one of the annotations `a` for which a condition is true hangs on it."""
        return (
            f"x.id in (select l.parent.id from {self.kind}AnnotationLink l "
            f"where l.child.id in (select a.id from {annotations} where {condition}))"
        )

    def _when(self, comparison: str, moment: datetime) -> str:
        milliseconds = omero.rtypes.rtime(int(moment.timestamp() * 1000))
        made = f"e.time {comparison} :{self._parameter(milliseconds)}"
        if self.kind != "Image":
            return made
        taken = f"x.acquisitionDate {comparison} :{self._parameter(milliseconds)}"
        return f"({taken} or (x.acquisitionDate is null and {made}))"

    def _like(self, pattern: str, *places: str) -> str:
        """Say that one of several texts is as the pattern has it."""
        wanted = self._parameter(omero.rtypes.rstring(like_pattern(pattern)))
        texts = [f"lower({p}) like lower(:{wanted}) escape '{_ESCAPE}'" for p in places]
        return f"({' or '.join(texts)})"

    def _parameter(self, value: Any) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return name

    def _where(self, condition: str) -> None:
        self._conditions.append(condition)


def like_pattern(pattern: str) -> str:
    r"""Return the LIKE pattern (with `!` as the escape character) for one with `*` and `?`.

    Raises
    ------
    UsageError
        If it is empty.

    """
    return "".join(_LIKE.get(piece) or _plain(piece) for piece in _pieces(pattern))


def _regular_expression(pattern: str) -> str:
    return "".join(
        {"*": ".*", "?": "."}.get(piece) or re.escape(_plain(piece)) for piece in _pieces(pattern)
    )


def _pieces(pattern: str) -> list[str]:
    if not pattern:
        raise UsageError(
            "What to look for is empty.",
            hint="Say a text; * stands for any text, ? for one character.",
        )
    return _PIECES.findall(pattern)


def _plain(piece: str) -> str:
    return piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece


def parse_key_values(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Split each text at its first `=`; a key alone stands for any value.

    Raises
    ------
    UsageError
        If there is no key.

    """
    pairs: list[tuple[str, str]] = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not key.strip():
            raise UsageError(f"{text!r} names no key.", hint="Write key=value, or the key alone.")
        pairs.append((key.strip(), value.strip() if equals else "*"))
    return tuple(pairs)


def _rlongs(ids: Sequence[int]) -> Any:
    return omero.rtypes.rlist([omero.rtypes.rlong(identifier) for identifier in ids])


def _start(day: date) -> datetime:
    """Return a moment, or the first moment of a day, with its time zone."""
    moment = day if isinstance(day, datetime) else datetime.combine(day, time())
    return moment.astimezone()


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc).astimezone()
