"""An OMERO server in Python: it speaks the Ice protocol to omero-py and answers like a real OMERO.server.

    with omero_embedded.Server(memory=True) as server:        # a process of its own; see `server`
        client = omero.client(server.host, server.port)
        client.createSession(server.user, server.password)

The way of a call, and the modules it passes, from the wire to the disk::

    wire/       Ice: adapters and TLS, the router, sessions and connections, dispatching an operation to a service
      └▶ call.py          who asks, in which group, with which transaction
           └▶ services/   one class for each Slice interface; also pixels/, rendering/, files/, commands/
                ├▶ hql/         queries: parse, resolve against the model, emit SQL
                ├▶ saving/      graphs of objects into rows
                ├▶ loading.py   rows into objects
                ├▶ permissions.py, people.py     who may do what; users and groups
                └▶ database.py, tables.py, schema.py     transactions; tables; the model as data

Arrows point down that list only. `server.py` puts all of it together and runs it; `initial.py` fills a new database.

Writing a service
-----------------
A service is a plain class; its public methods are the operations, named as in Slice, and take the call and then the
operation's parameters. A decorator from `wire.registry` says which interface it is. Its module must be imported by
`services/__init__.py`, which is the list of all there is. ::

    @stateless("omero.api.ITypes")                 # one instance for the server: no state
    class TypesService:
        def allEnumerations(self, call: Call, type: str) -> list[IObject]: ...

    @stateful("omero.api.RawFileStore")            # one instance for each client that asks; its calls come one by one
    class RawFileStore:
        def __init__(self) -> None: ...            # made without arguments; the first call brings the context
        @writing
        def save(self, call: Call) -> IObject: ...
        def close(self, call: Call) -> None: ...   # also called when the session ends; then nobody reaches it again

- The result is what the operation gives back; an operation without result returns None, one with out parameters a
  tuple. An operation without a method raises an InternalException that names service and operation.
- **Transaction**: `call.db` is a SQLAlchemy connection whose transaction begins when it is first asked for, is
  committed when the method returns and rolled back when it raises. Operations that write carry `@writing` (from
  `call`); all others have a database that refuses to be written to. `call.after_commit(function)` is for what must
  happen only once the transaction is in (files deleted, …); `call.event_id` is the row of Event for this call, which
  `details_creationEvent` and `details_updateEvent` of what it writes refer to.
- **Who asks**: `call.user_id`, `call.group_id` (-1: all groups), `call.is_admin`, `call.people` (users, groups, who
  leads what), `call.session`; `call.server` has `database`, `folder` (files live below it), `configuration`.
  `permissions.readable(call, cls, rows)` is the condition that a row may be seen, `permissions.check_readable(call,
  cls, id)` raises as IQuery.get does.
- **Errors**: raise what `errors` makes: `raise errors.validation("No row with …")`. Anything else that is raised
  becomes an InternalException, «Wrapped Exception: …», and a line in the log.
- **Objects from rows**: `Loader(call).objects("Image", ids)` gives loaded objects by id with unloaded references;
  `loader.fetch(objects, "pixels.channels")` loads along a path; `loader.object("Image", id)` is one or None. A Loader
  holds each row's object once, so what is loaded later appears wherever it is referred to. Use one for each result.
  A row to read or change needs no objects: `call.db.execute(select(tables.table("Pixels")…))`.
- **Objects to rows**: `saving.save(call, objects)`. Rows of the server's own making: `saving.insert(call, "Channel",
  pixels=…, …)` fills details and version and returns the id.
- **Queries**: `hql.find(call, text, parameters)` gives objects, `hql.find_one` the only one or None, and
  `hql.project(call, text, parameters)` rows of RTypes. What PostgreSQL has and SQLite lacks is in `sqlite_functions`.
- **Commands** (Delete2 …): `@command("omero.cmd.Delete2")` from `wire.registry` on a class made from the request with
  one method `run(call) -> Response`; it runs in a thread of its own, in one transaction, in the group of the context;
  `all_groups = True` in the class has it run in all groups unless the client named one. `handles.refused(…)` ends it
  with an ERR.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omero_embedded.server import Server

__all__ = ["Server"]


def __getattr__(name: str) -> object:
    """Import `Server` when it is first asked for: it brings Ice along."""
    if name == "Server":
        from omero_embedded.server import Server  # noqa: PLC0415

        return Server
    raise AttributeError(name)
