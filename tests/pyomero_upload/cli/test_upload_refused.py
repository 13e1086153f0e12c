"""`pyomero upload` to a server that takes nothing at present."""

from typer.testing import CliRunner

from folders import experiment
from omero_embedded import Server
from pyomero_upload.cli import app


def test_an_upload_to_a_read_only_server_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path / "omero"))
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    folder = tmp_path / "in"
    experiment(folder)
    with Server(memory=True, in_process=True) as server:
        client = server.client()
        config = client.sf.getConfigService()
        config.setConfigValue("omero.cluster.read_only.runtime.db", "true")
        where = ["--server", server.host, "--port", str(server.port), "--user", "root"]
        done = CliRunner().invoke(
            app,
            ["upload", str(folder), *where, "--password-stdin"],
            input=server.password + "\n",
        )
        assert done.exit_code == 1
        assert "is read-only at present" in done.stderr
        assert client.sf.getQueryService().findAll("Dataset", None) == []
        client.closeSession()
