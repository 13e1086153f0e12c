"""`pyomero search` as its user meets it."""

import json

import pytest
from typer.testing import CliRunner

from omero_bench import Bench
from pyomero_upload.cli import app


@pytest.fixture
def user(omero_new_user):
    return omero_new_user()


@pytest.fixture
def bench(user):
    client = user.log_in()
    yield Bench(client)
    client.closeSession()


@pytest.fixture
def search(user, tmp_path, monkeypatch):
    """Give a function that runs the program as the user."""
    monkeypatch.setenv("OMERO_SESSIONDIR", str(tmp_path / "sessions"))
    server = ["--server", user.server.host, "--port", str(user.server.port), "--user", user.name]

    def run(*words):
        return CliRunner().invoke(
            app, ["search", *words, *server, "--password-stdin"], input=f"{user.password}\n"
        )

    return run


def test_what_is_found_is_shown_with_its_id_name_and_place(bench, search):
    project, dataset = bench.named("Project", "Growth"), bench.named("Dataset", "Run 7")
    bench.link("Project", project, "Dataset", dataset)
    bench.named("Dataset", "another")
    done = search("--name", "run *")
    assert done.exit_code == 0
    (row,) = [line for line in done.stdout.splitlines() if f"Dataset:{dataset}" in line]
    assert "Run 7" in row
    assert "Growth" in row
    assert "another" not in done.stdout


def test_finding_nothing_is_said_and_is_no_error(search):
    done = search("--name", "nothing")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "Nothing found." in done.stderr


def test_all_options_together_narrow_the_search(bench, search):
    dataset = bench.named("Dataset", "Run 7")
    bench.tag(("Dataset", dataset), text="GFP")
    found = json.loads(
        search(
            *["--kind", "dataset", "--tag", "gfp", "--text", "run", "--owner", "test user"],
            *["--since", "2001-01-01", "--until", "2999-01-01T12:00", "--json"],
        ).stdout
    )
    assert [item["id"] for item in found["results"]] == [dataset]
    assert found["more"] is False
    assert json.loads(search("--tag", "gfp", "--key", "strain", "--json").stdout)["results"] == []


def test_more_than_the_limit_is_said(bench, search):
    bench.named("Dataset", "x")
    bench.named("Dataset", "x")
    done = search("--name", "x", "--limit", "1")
    assert done.stdout.count("Dataset:") == 1
    assert "There is more" in done.stderr
    assert json.loads(search("--limit", "1", "--json").stdout)["more"] is True


@pytest.mark.parametrize("words", [("--since", "yesterday"), ("--key", "=x"), ("--name", "")])
def test_what_cannot_be_looked_for_is_a_wrong_use(search, words):
    done = search(*words)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
