"""omero.api.IScript: Python scripts that are kept on the server, as OriginalFiles, and run there.

As on a real server, everybody may run the official scripts, which administrators put there. Scripts of one's own are kept
only: for these a real server wants a processor that their owner runs.
"""

import time
import uuid
from pathlib import PurePosixPath
from typing import Any

import omero
import omero.model
import omero.sys
from omero.rtypes import robject
from sqlalchemy import Select, select

from omero_embedded import errors, saving, tables
from omero_embedded.call import Call, writing
from omero_embedded.commands.delete import Delete
from omero_embedded.files.keeping import keep, replace
from omero_embedded.files.place import paths_of
from omero_embedded.initial import ENUMERATIONS
from omero_embedded.loading import Loader
from omero_embedded.people import USER
from omero_embedded.scripting.launching import Launched, session_for
from omero_embedded.scripting.parameters import checked, parameters
from omero_embedded.scripting.process import ScriptProcess
from omero_embedded.services.parameters import visible
from omero_embedded.wire.registry import stateless
from omero_embedded.wire.sessions import PROCESS

MIMETYPE = "text/x-python"
REPOSITORY = "ScriptRepo"


@stateless("omero.api.IScript")
class ScriptService:
    """Scripts. Official ones are the administrators', and can be run; users keep their own."""

    def getScripts(self, call: Call) -> "list[omero.model.OriginalFile]":
        """Give the official scripts."""
        return self.getScriptsByMimetype(call, MIMETYPE)

    def getScriptsByMimetype(self, call: Call, mimetype: str) -> "list[omero.model.OriginalFile]":
        """Give the official scripts of a language."""
        rows = tables.table("OriginalFile")
        query = _scripts(mimetype).where(rows.c.repo.is_not(None))
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
        """Give the text of a script; nothing where there is none."""
        return self._text(call, scriptID) if self._is_there(call, scriptID) else ""

    def getScriptWithDetails(self, call: Call, scriptID: int) -> "dict[str, omero.RType]":
        """Give a script by its text; nothing where there is none."""
        if not self._is_there(call, scriptID):
            return {}
        return {self._text(call, scriptID): robject(self._find(call, scriptID))}

    @writing
    def uploadScript(self, call: Call, path: str, scriptText: str) -> int:
        """Keep a script of one's own; give its id."""
        folder, name = _place(path)
        return keep(call, scriptText.encode(), name=name, path=folder, mimetype=MIMETYPE)

    def uploadOfficialScript(self, call: Call, path: str, scriptText: str) -> int:
        """Keep a script that everybody may run; administrators only. Give its id."""
        call.require_admin("WriteScriptRepo")
        folder, name = _place(path)
        if self.getScriptID(call, path) >= 0:
            raise errors.api_usage(f"Path: {path} has already been uploaded. Edit the script.")
        data = scriptText.encode()
        call.abandon()
        shared = call.in_group(USER, writes=True)
        try:
            made = keep(shared, data, name=name, path=folder, mimetype=MIMETYPE, repo=REPOSITORY)
            shared.finish()
        except BaseException:
            shared.abandon()
            raise
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
        replace(call, found.id.val, scriptText.encode())

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
        """Say whether a script can be run: the official ones can."""
        return self._is_official(call, scriptID)

    def getParams(self, call: Call, scriptID: int) -> "omero.grid.JobParams":
        """Give what a script takes and gives; it is asked."""
        return parameters(call, self._text(call, scriptID))

    def runScript(
        self, call: Call, scriptID: int, inputs: "dict[str, omero.RType]", waitSecs: Any
    ) -> Any:
        """Run a script as oneself; give the process, which tells when it has ended and what it gives."""
        text = self._text(call, scriptID)
        if not self._is_official(call, scriptID):
            raise errors.resource("No processor available. Only official scripts are run here.")
        params = parameters(call, text)
        given = checked(params, inputs)
        session = session_for(call)
        try:
            job = _new_job(call, scriptID, params)
            session.inputs.update(given)
            launched = Launched(call.server, session, text, {"omero.job": str(job)})
        except BaseException:
            call.server.sessions.close(session)
            raise
        process = ScriptProcess(call.server, launched, job, params)
        proxy = call.server.publish(call.session, process, name=f"{PROCESS}/{uuid.uuid4()}")
        process.start()
        return proxy

    def _is_official(self, call: Call, identifier: int) -> bool:
        rows = tables.table("OriginalFile")
        query = _scripts(MIMETYPE).where(rows.c.id == identifier, rows.c.repo.is_not(None))
        return call.db.execute(query).first() is not None

    def _text(self, call: Call, identifier: int) -> str:
        """Return the text of a script that must be there."""
        self._find(call, identifier)
        path = paths_of(call, [identifier])[identifier]
        if not path.exists():
            raise errors.resource(f"The text of script {identifier} is missing.")
        return path.read_text(encoding="utf-8")

    def _find(self, call: Call, identifier: int) -> "omero.model.OriginalFile":
        if not self._is_there(call, identifier):
            raise errors.api_usage(f"No script with id {identifier}")
        return Loader(call).object("OriginalFile", identifier)

    def _is_there(self, call: Call, identifier: int) -> bool:
        """Whether there is such a file: one that the user may see, or an official one."""
        rows = tables.table("OriginalFile")
        seen = visible(call, "OriginalFile", rows).where(rows.c.id == identifier)
        official = select(rows.c.id).where(rows.c.id == identifier, rows.c.repo.is_not(None))
        return any(call.db.execute(query).first() is not None for query in (seen, official))


def _new_job(call: Call, script: int, params: "omero.grid.JobParams") -> int:
    """Note that a script begins to run; return the id of the job."""
    now = int(time.time() * 1000)
    noting = call.in_group(call.group.id, writes=True)
    try:
        job = saving.insert(
            noting,
            "ScriptJob",
            username=call.user.name,
            groupname=call.group.name,
            type="User",
            message="Running",
            status=ENUMERATIONS["JobStatus"]["Running"],
            submitted=now,
            scheduledFor=now,
            started=now,
            description=params.name,
        )
        saving.insert(noting, "JobOriginalFileLink", parent=job, child=script)
        noting.finish()
    except BaseException:
        noting.abandon()
        raise
    return job


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
