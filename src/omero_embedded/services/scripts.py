"""omero.api.IScript: Python scripts that are kept on the server, as OriginalFiles. They are not run."""

import hashlib
from pathlib import PurePosixPath

import omero
import omero.model
import omero.sys
from sqlalchemy import Select, select

from omero_embedded import errors, saving, tables
from omero_embedded.call import Call, writing
from omero_embedded.commands.delete import Delete
from omero_embedded.files.place import paths_of
from omero_embedded.loading import Loader
from omero_embedded.services.parameters import visible
from omero_embedded.wire.registry import stateless

MIMETYPE = "text/x-python"


@stateless("omero.api.IScript")
class ScriptService:
    """Scripts as texts. Official ones are root's; users keep their own."""

    def getScripts(self, call: Call) -> "list[omero.model.OriginalFile]":
        """Give the official scripts."""
        return self.getScriptsByMimetype(call, MIMETYPE)

    def getScriptsByMimetype(self, call: Call, mimetype: str) -> "list[omero.model.OriginalFile]":
        """Give the official scripts of a language."""
        rows = tables.table("OriginalFile")
        query = _scripts(mimetype).where(rows.c.details_owner == 0, rows.c.repo.is_not(None))
        return list(Loader(call).objects("OriginalFile", call.db.execute(query).scalars()).values())

    def getUserScripts(
        self, call: Call, acceptsList: "list[omero.model.IObject]"
    ) -> "list[omero.model.OriginalFile]":
        """Give users' own scripts: one's own, or those of the users and groups that are named."""
        rows = tables.table("OriginalFile")
        query = visible(call, "OriginalFile", rows).where(
            rows.c.mimetype == MIMETYPE, rows.c.repo.is_(None)
        )
        owners = [o.id.val for o in acceptsList or () if isinstance(o, omero.model.Experimenter)]
        groups = [
            o.id.val for o in acceptsList or () if isinstance(o, omero.model.ExperimenterGroup)
        ]
        if owners:
            query = query.where(rows.c.details_owner.in_(owners))
        if groups:
            query = query.where(rows.c.details_group.in_(groups))
        ids = call.db.execute(query.order_by(rows.c.id)).scalars()
        return list(Loader(call).objects("OriginalFile", ids).values())

    def getScriptID(self, call: Call, path: str) -> int:
        """Give the id of an official script, or -1."""
        rows, where = tables.table("OriginalFile"), _place(path)
        query = _scripts(MIMETYPE).where(rows.c.path == where[0], rows.c.name == where[1])
        return next(iter(call.db.execute(query.where(rows.c.repo.is_not(None))).scalars()), -1)

    def getScriptText(self, call: Call, scriptID: int) -> str:
        """Give the text of a script."""
        self._find(call, scriptID)
        path = paths_of(call, [scriptID])[scriptID]
        if not path.exists():
            raise errors.resource(f"The text of script {scriptID} is missing.")
        return path.read_text(encoding="utf-8")

    def getScriptWithDetails(self, call: Call, scriptID: int) -> "dict[str, omero.model.IObject]":
        """Give a script by its text."""
        return {self.getScriptText(call, scriptID): self._find(call, scriptID)}

    @writing
    def uploadScript(self, call: Call, path: str, scriptText: str) -> int:
        """Keep a script of one's own; give its id."""
        folder, name = _place(path)
        made = saving.insert(
            call, "OriginalFile", path=folder, name=name, mimetype=MIMETYPE, size=0
        )
        self._write(call, made, scriptText)
        return made

    @writing
    def editScript(
        self, call: Call, fileObject: "omero.model.OriginalFile", scriptText: str
    ) -> None:
        """Change the text of a script."""
        found = self._find(call, fileObject.id.val)
        if not found.details.permissions.canEdit():
            raise errors.security(
                f"Updating ome.model.core.OriginalFile:Id_{found.id.val} not allowed."
            )
        self._write(call, found.id.val, scriptText)

    @writing
    def deleteScript(self, call: Call, scriptID: int) -> None:
        """Delete a script."""
        found = self._find(call, scriptID)
        if not found.details.permissions.canDelete():
            raise errors.security(
                f"Deleting ome.model.core.OriginalFile:Id_{scriptID} not allowed."
            )
        Delete(omero.cmd.Delete2(targetObjects={"OriginalFile": [scriptID]})).run(call)

    def canRunScript(self, call: Call, scriptID: int) -> bool:
        """Say no: nothing here runs scripts."""
        return False

    def _find(self, call: Call, identifier: int) -> "omero.model.OriginalFile":
        rows = tables.table("OriginalFile")
        seen = visible(call, "OriginalFile", rows).where(rows.c.id == identifier)
        official = select(rows.c.id).where(rows.c.id == identifier, rows.c.repo.is_not(None))
        if call.db.execute(seen).first() is None and call.db.execute(official).first() is None:
            raise errors.api_usage(f"No script with id {identifier}")
        return Loader(call).object("OriginalFile", identifier)

    def _write(self, call: Call, identifier: int, text: str) -> None:
        data = text.encode()
        saving.change(
            call,
            "OriginalFile",
            identifier,
            size=len(data),
            hash=hashlib.sha1(data).hexdigest(),  # noqa: S324  # a checksum
        )
        path = paths_of(call, [identifier])[identifier]

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

        call.after_commit(write)


def _scripts(mimetype: str) -> Select[int]:
    rows = tables.table("OriginalFile")
    return select(rows.c.id).where(rows.c.mimetype == mimetype).order_by(rows.c.id)


def _place(path: str) -> tuple[str, str]:
    """Return folder (with / at both ends) and name of a script."""
    parts = PurePosixPath("/", path)
    if not parts.name:
        raise errors.api_usage("A script needs a name.")
    folder = parts.parent.as_posix()
    return (folder if folder.endswith("/") else f"{folder}/"), parts.name
