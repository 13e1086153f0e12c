"""The embedded server and a real one, asked the same: every answer must be equal.

The probes, the real server's answers and the comparison are data that are shared with this repository's users
(`conformance` in the shared folder). The real server had been asked before its answers were taken, and one answer names
the groups which that earlier run had left. So the server here is given the same past: those groups, made first.
"""

import json
import subprocess
import sys
from pathlib import Path

import omero
import omero.model
from omero.rtypes import rbool, rstring

from omero_embedded import Server


def make_the_groups_of_the_earlier_run(server: Server, answers: dict) -> None:
    client = omero.client(server.host, server.port)
    client.createSession(server.user, server.password)
    admin = client.sf.getAdminService()
    there = {group.name.val for group in admin.lookupGroups()}
    for name, permissions in answers["first_people_and_groups"]["groups"]:
        if name not in there:
            group = omero.model.ExperimenterGroupI()
            group.name, group.ldap = rstring(name), rbool(False)
            group.details.permissions = omero.model.PermissionsI(permissions)
            admin.createGroup(group)
    client.closeSession()


def test_every_probe_is_answered_as_by_the_real_server(shared: Path, tmp_path: Path) -> None:
    conformance, here = shared / "conformance", tmp_path / "here.json"
    real = conformance / "real-server.json"
    with Server(memory=True) as server:
        make_the_groups_of_the_earlier_run(server, json.loads(real.read_text(encoding="utf-8")))
        asked = subprocess.run(
            [
                sys.executable,
                str(conformance / "probes.py"),
                *("--host", server.host, "--port", str(server.port)),
                *("--user", server.user, "--password", server.password),
                *("--out", str(here)),
            ],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )
    assert asked.returncode == 0, asked.stderr[-3000:]
    compared = subprocess.run(
        [sys.executable, str(conformance / "compare.py"), str(real), str(here)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert compared.returncode == 0, compared.stdout
