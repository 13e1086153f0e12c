"""A call under way: who asks, in which group, with which transaction. Every operation takes one as its first argument."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import Ice
from sqlalchemy import Connection, insert, select

from omero_embedded import errors, tables
from omero_embedded.database import Transaction
from omero_embedded.people import SYSTEM, Group, People, User

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
        Who acts: the session's user, or whom an administrator names in the context (`omero.user`).
    group_id
        The group of the context (`omero.group`), else the session's; -1 is all groups.
    context
        The context that came with the call.
    writes
        Whether the transaction may write.
    current
        What Ice says of the call; None where no client waits for it.

    Unless `in_any_group`, who acts must be a member of the group: a session may have been begun in one that is not.
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
    ) -> None:
        self.server = server
        self.session = session
        self.context = context
        self.writes = writes
        self.current = current
        self.people: People = server.directory.now()
        self.user: User = self._user()
        self.group_id: int = self._group(any_will_do=in_any_group)
        self._transaction: Transaction | None = None
        self._event: int | None = None
        self._after: list[Callable[[], None]] = []

    def _user(self) -> User:
        session_user = self.people.users.get(self.session.user_id)
        if session_user is None:
            raise errors.removed_session(f"The user of session {self.session.uuid} is no more.")
        named = self.context.get("omero.user", "")
        if named.isdigit() and int(named) != session_user.id and session_user.is_admin:
            if int(named) not in self.people.users:
                raise errors.missing_row("ome.model.meta.Experimenter", int(named))
            return self.people.users[int(named)]
        return session_user

    def _group(self, *, any_will_do: bool) -> int:
        try:
            asked = int(self.context.get("omero.group", ""))
        except ValueError:
            asked = self.session.group_id
        if asked < 0:
            return ALL_GROUPS
        if asked not in self.people.groups:
            raise errors.missing_row("ome.model.meta.ExperimenterGroup", asked)
        if asked not in self.user.groups and not self.is_admin and not any_will_do:
            raise errors.security(
                f"User {self.user.id} is not a member of group {asked} and cannot login"
            )
        return asked

    @property
    def user_id(self) -> int:
        """The id of who acts."""
        return self.user.id

    @property
    def is_admin(self) -> bool:
        """Whether the session's user is an administrator."""
        return self.people.users[self.session.user_id].is_admin

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

    def people_changed(self) -> None:
        """Note that this call changes experimenters, groups or memberships."""
        self.after_commit(self.server.directory.changed)

    def require_admin(self, privilege: str | None = None) -> None:
        """Refuse what only administrators (who have the privilege) may do."""
        allowed = self.is_admin and (privilege is None or privilege in self.user.privileges)
        if not allowed:
            roles = sorted(self.people.groups[g].name for g in self.user.groups if g != SYSTEM)
            raise errors.security(
                f"No matching roles found in [{', '.join(roles)}] for session {self.session.uuid} (allowed: [system])"
            )

    def finish(self) -> None:
        """Commit, then do what waited for it."""
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
