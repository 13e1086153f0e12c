"""The `omero` command against this server: obj, hql, tag, search, delete, chgrp, and what it prints."""

from pathlib import Path
from typing import Any

import omero.cli
import omero.clients
import pytest

Command = Any


@pytest.fixture
def command(
    omero_new_user: Any,
    omero_server: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Any:
    """Give a function that runs `omero …` as a new user and returns what it printed."""
    for name in ("OMERO_USERDIR", "OMERO_SESSIONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    user = omero_new_user()
    # The command itself refuses to run as root, as which test containers run: so its parts are called here.
    cli = omero.cli.CLI()
    cli.loadplugins()
    server = f"{user.name}@{omero_server.host}:{omero_server.port}"
    cli.invoke(["login", server, "-w", user.password], strict=True)

    def run(*words: str) -> str:
        capfd.readouterr()
        cli.invoke(list(words), strict=True)
        return capfd.readouterr().out.strip()

    yield run
    cli.invoke(["logout"])
    cli.close()


def test_objects_are_made_linked_asked_for_and_deleted(command: Command) -> None:
    project = command("obj", "new", "Project", "name=p")
    dataset = command("obj", "new", "Dataset", "name=d")
    assert (project.partition(":")[0], dataset.partition(":")[0]) == ("Project", "Dataset")
    command("obj", "new", "ProjectDatasetLink", f"parent={project}", f"child={dataset}")
    command("obj", "update", dataset, "description=about")
    assert command("obj", "get", dataset, "description") == "about"
    hql = f"select d.name from Dataset d where d.id = {dataset.partition(':')[2]}"
    assert "| d" in command("hql", "-q", "--style", "plain", hql) or ",d" in command(
        "hql", "-q", "--style", "csv", hql
    )
    printed = command("delete", "--report", project)
    assert f"omero.cmd.Delete2 {project} ok" in printed
    assert "Steps: 6" in printed
    assert "Dataset:" in printed


def test_tags_are_made_and_listed(command: Command) -> None:
    command("tag", "create", "--name", "blue", "--desc", "a colour")
    assert "blue" in command("tag", "list")


def test_what_may_be_deleted_is_listed(command: Command) -> None:
    printed = command("delete", "--list").splitlines()
    assert {"Image", "Dataset", "DatasetImageLink"} <= set(printed)


def test_a_dry_run_says_so(command: Command) -> None:
    dataset = command("obj", "new", "Dataset", "name=d")
    printed = command("delete", "--dry-run", dataset)
    assert "Dry run performed" in printed
    assert command("obj", "get", dataset, "name") == "d"


def test_moving_into_a_strangers_group_fails_with_its_reason(
    command: Command, omero_new_user: Any
) -> None:
    dataset = command("obj", "new", "Dataset", "name=d")
    stranger = omero_new_user()
    with pytest.raises(omero.cli.NonZeroReturnCode):
        command("chgrp", f"Group:{stranger.group}", dataset)
    assert command("obj", "get", dataset, "name") == "d"


def test_disk_usage_is_told(command: Command) -> None:
    assert "Total disk usage: 0 bytes" in command("fs", "usage")


DOUBLE = """
import omero.scripts as scripts
from omero.rtypes import rlong
client = scripts.client("Double.py", "Doubles.", scripts.Long("Number"), scripts.Long("Twice").out())
client.setOutput("Twice", rlong(2 * client.getInput("Number").val))
print("doubled")
client.closeSession()
"""


def test_an_official_script_is_asked_and_run(command: Command, omero_server: Any) -> None:
    root = omero.client(omero_server.host, omero_server.port)
    root.createSession(omero_server.user, omero_server.password)
    scripts = root.sf.getScriptService()
    script = scripts.uploadOfficialScript("/test/Double.py", DOUBLE)
    assert "Number - (no description)" in command("script", "params", str(script))
    printed = command("script", "launch", str(script), "Number=21")
    assert "Twice=42" in printed
    assert "* doubled" in printed
    scripts.deleteScript(script)
    root.closeSession()
