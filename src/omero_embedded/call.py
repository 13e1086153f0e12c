"""A call under way: who asks, in which group, with which transaction. Every operation takes one as its first argument."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import Ice
from sqlalchemy import Connection, Select, insert, select

from omero_embedded import errors, tables
from omero_embedded.database import Transaction
from omero_embedded.event_log import EventLog
from omero_embedded.people import PRIVILEGES, ROOT, WORLD_READ, Group, People, User

if TYPE_CHECKING:
    from omero_embedded.core import Core
    from omero_embedded.wire.sessions import Session

P = ParamSpec("P")
R = TypeVar("R")
ALL_GROUPS = -1


def writing(operation: Callable[P, R]) -> Callable[P, R]:
    """Mark an operation that changes the database."""
    operation.writes = True  # type: ignore[attr-defined]  # read by the dispatcher
    return operation


class Call:
    """One call of one client.

    Attributes
    ----------
    server
        The `Core`: `database`, `folder` for files, `configuration`, `sessions`.
    session
        The client's session.
    people
        Users and groups at the beginning of the call.
    user
        Who acts: the session's user, or whom an administrator names in the context (`omero.user`). Groups, those led
        and privileges are the session's in either case.
    group_id
        The group of the context (`omero.group`), else the session's; -1 is all groups.
    context
        The context that came with the call.
    writes
        Whether the transaction may write.
    current
        What Ice says of the call; None where no client waits for it.

    Unless `in_any_group`, who acts must be a member of the group, or everybody may read in it: a session may have been
    begun in one where neither is so. What the context asks for in vain is then left out. With `refuses_untyped`, such a
    session is refused by an `Ice.UnknownException`, as was seen of some services of a real server.
    """

    def __init__(
        self,
        server: "Core",
        session: "Session",
        context: Mapping[str, str],
        *,
        writes: bool,
        current: Ice.Current | None = None,
        in_any_group: bool = False,
        refuses_untyped: bool = False,
    ) -> None:
        self.server = server
        self.session = session
        self.context = context
        self.writes = writes
        self.current = current
        self.people: People = server.directory.now()
        self.user: User = self._user(any_will_do=in_any_group)
        self.group_id: int = self._group(any_will_do=in_any_group, refuses_untyped=refuses_untyped)
        self._transaction: Transaction | None = None
        self._event: int | None = None
        self._log = EventLog()
        self._after: list[Callable[[], None]] = []

    def _user(self, *, any_will_do: bool) -> User:
        user = session_user(self.people, self.session)
        try:
            named = int(self.context.get("omero.user", ""))
        except ValueError:
            return user
        if named == user.id or (any_will_do and not (user.is_admin and named in self.people.users)):
            return user
        if not user.is_admin:
            raise errors.security(
                f"User {user.id} is not an admin and so cannot set uid to {named}"
            )
        if named not in self.people.users:
            raise errors.missing_row("ome.model.meta.Experimenter", named)
        return replace(user, id=named, name=self.people.users[named].name)

    def _group(self, *, any_will_do: bool, refuses_untyped: bool) -> int:
        of_session = False
        try:
            asked = int(self.context.get("omero.group", ""))
        except ValueError:
            asked, of_session = self.session.group_id, True
        if asked >= 0 and asked not in self.people.groups:
            if any_will_do:
                return self.session.group_id
            raise errors.missing_row("ome.model.meta.ExperimenterGroup", asked)
        if self.session.only_groups is not None and asked not in self.session.only_groups:
            raise errors.security("Group-sudo session cannot change context!")
        if asked < 0:
            return ALL_GROUPS
        allowed = (
            any_will_do
            or self.is_admin
            or asked in self.user.groups
            or self.people.groups[asked].grants(WORLD_READ)
        )
        if not allowed:
            refusal = f"User {self.user.id} is not a member of group {asked} and cannot login"
            if of_session and refuses_untyped:
                raise Ice.UnknownException(refusal)
            raise errors.security(refusal)
        return asked

    @property
    def user_id(self) -> int:
        """The id of who acts."""
        return self.user.id

    @property
    def is_admin(self) -> bool:
        """Whether the session's user is an administrator."""
        return self.user.is_admin

    @property
    def group(self) -> Group:
        """The group of the call; the session's where the call is in all groups."""
        return self.people.groups[self.group_id if self.group_id >= 0 else self.session.group_id]

    @property
    def db(self) -> Connection:
        """The connection of the call's transaction, which begins here."""
        if self._transaction is None:
            self._transaction = self.server.database.begin(writes=self.writes)
        return self._transaction.connection

    @property
    def event_id(self) -> int:
        """The row of Event that stands for this call; made when first asked for."""
        if self._event is None:
            event, types = tables.table("Event"), tables.table("EventType")
            kind = (
                select(types.c.id).where(types.c.value == self.session.event_type).scalar_subquery()
            )
            self._event = self.db.execute(
                insert(event)
                .values(
                    time=int(time.time() * 1000),
                    experimenter=self.user.id,
                    experimenterGroup=self.group.id,
                    type=kind,
                    session=self.session.id,
                )
                .returning(event.c.id)
            ).scalar_one()
        return self._event

    def in_group(self, group_id: int, *, writes: bool | None = None) -> "Call":
        """Return a call of the same client in another group, with a transaction of its own: end it with `finish`."""
        context = {**self.context, "omero.group": str(group_id)}
        return Call(
            self.server, self.session, context, writes=self.writes if writes is None else writes
        )

    def leads(self, group_id: int) -> bool:
        """Whether who acts leads the group."""
        return group_id in self.user.leads

    def publish(self, service: object) -> Any:
        """Make an instance of a `@stateful` class reachable for this client, and return its proxy."""
        return self.server.publish(self.session, service)

    def after_commit(self, function: Callable[[], None]) -> None:
        """Have the function called once the transaction is in; never where it is rolled back."""
        self._after.append(function)

    def log(self, action: str, cls: str, ids: "Iterable[int] | Select[Any]") -> None:
        """Note for the event log what happens to objects: "INSERT", "UPDATE" or "DELETE".

        Parameters
        ----------
        cls
            The simple name of a class; where it has others below it, each object is noted as what it is.
        ids
            Of the objects; a query where they are many. What is deleted must still be there.
        """
        self._log.note(self, action, cls, ids)

    def people_changed(self) -> None:
        """Note that this call changes experimenters, groups or memberships."""
        self.after_commit(self.server.directory.changed)

    def require_admin(self, privilege: str | None = None) -> None:
        """Refuse what only administrators (who have the privilege) may do."""
        allowed = self.is_admin and (privilege is None or privilege in self.user.privileges)
        if not allowed:
            roles = [self.people.groups[g].name for g in self.user.groups]
            raise errors.security(
                f"No matching roles found in [{', '.join(roles)}] for session {self.session.uuid} (allowed: [system])"
            )

    def require_password(self) -> None:
        """Refuse a client that joined the session without giving a password (see ServiceFactory.setSecurityPassword)."""
        client = None if self.current is None else self.server.router.client_of(self.current.con)
        if client is not None and not client.with_password:
            raise errors.security(
                "Bad authentication credentials for this action.\nSee setSecurityPassword for more information"
            )

    def finish(self) -> None:
        """Commit, then do what waited for it."""
        self._log.write(self)
        if self._transaction is not None:
            transaction, self._transaction = self._transaction, None
            transaction.commit()
        for function in self._after:
            function()

    def abandon(self) -> None:
        """Roll back."""
        if self._transaction is not None:
            transaction, self._transaction = self._transaction, None
            transaction.rollback()


def session_user(people: People, session: "Session") -> User:
    """Return the user of a session with the privileges that the session gives.

    Root has all. A session that was begun by somebody for somebody else (sudo) has the privileges of who began it, and
    none unless both are administrators.
    """
    user = people.users.get(session.user_id)
    if user is None:
        raise errors.removed_session(f"The user of session {session.uuid} is no more.")
    if session.sudoer is None and user.id != ROOT:
        return user
    begun_by = user if session.sudoer is None else people.users.get(session.sudoer)
    if begun_by is None or not begun_by.is_admin:
        return replace(user, without=frozenset(PRIVILEGES))
    return replace(user, without=frozenset() if begun_by.id == ROOT else begun_by.without)
