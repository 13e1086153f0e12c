"""`python -m pyomero_upload.upload_cli` as its users and their shell scripts know it."""

import contextlib
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import omero.gateway
import pytest
from typer.testing import CliRunner

from folders import experiment
from pyomero_upload.upload_cli import app

COMMAND = [sys.executable, "-m", "pyomero_upload.upload_cli"]


@pytest.fixture
def user(omero_new_user, tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    return omero_new_user()


@pytest.fixture
def gateway(user):
    client = user.log_in()
    yield omero.gateway.BlitzGateway(client_obj=client)
    client.closeSession()


@pytest.fixture
def folder(tmp_path):
    return experiment(tmp_path / "exp", positions=["pos001"], times=1, sections=2)


@pytest.fixture
def config(user, tmp_path):
    path = tmp_path / "config.yml"
    path.write_text(
        f"omero_conn:\n  username: {user.name}\n  password: '{user.password}'\n"
        f"  server: {user.server.host}\n  port: {user.server.port}\n",
        encoding="utf-8",
    )
    path.chmod(0o600)
    return path


def run(*words, typed=""):
    return CliRunner().invoke(app, [str(word) for word in words], input=typed)


def only_dataset(gateway):
    (dataset,) = gateway.getObjects("Dataset")
    return dataset


def all_keys(dataset):
    kind = omero.gateway.MapAnnotationWrapper
    maps = [a for a in dataset.listAnnotations() if isinstance(a, kind)]
    return {key for a in maps for key, _ in a.getValue()}


def test_the_server_may_be_said_in_a_file(folder, config, gateway):
    done = run("--config-file", config, "--data-path", folder, "--dataset-name", "d", "--hypercube")
    assert done.exit_code == 0, done.stderr
    dataset = only_dataset(gateway)
    assert done.stdout.splitlines() == [
        "Number of hypercubes uploaded: 1",
        f"Uploaded Dataset ID: {dataset.getId()}",
        f"Uploaded Dataset URL: http://127.0.0.1/webclient/?show=dataset-{dataset.getId()}",
    ]
    assert "pyomero upload" in done.stderr


def test_how_far_it_is_and_what_is_missing_is_told_on_standard_error(folder, config, gateway):
    (folder / "pos001/exp_000001_GFP_001.png").unlink()
    done = run("-c", config, "-d", folder, "-n", "d", "-y")
    assert done.exit_code == 0
    assert "pos001: 1 of 4 planes are missing" in done.stderr
    assert re.search(r"^pos001: \d+ planes in \d", done.stderr, re.MULTILINE)


def test_all_options_have_their_short_forms(folder, user, gateway, tmp_path):
    modules = own_modules(tmp_path / "mine")
    done = run(
        *["-u", user.name, "-s", user.server.host, "-o", user.server.port, "-a"],
        *["-d", folder, "-n", "d", "-y", "-m", modules, "-p", "-i", "-v"],
        typed=f"{user.password}\n",
    )
    assert done.exit_code == 0, done.stderr
    assert only_dataset(gateway).getDescription() == "by my own parser: mine"
    assert "Tool version" in all_keys(only_dataset(gateway))


def test_all_options_have_their_long_forms(folder, user, gateway, tmp_path):
    modules = own_modules(tmp_path / "mine")
    done = run(
        *["--username", user.name, "--server", user.server.host],
        *["--port", user.server.port, "--password", "--data-path", folder],
        *["--dataset-name", "d", "--hypercube", "--module-path", modules],
        *["--custom-metadata-parser", "--custom-image-processor"],
        *["--include-provenance-metadata", "--ignore-metadata"],
        typed=f"{user.password}\n",
    )
    assert done.exit_code == 0, done.stderr
    assert only_dataset(gateway).getName() == "d"
    assert not only_dataset(gateway).getDescription()


def test_provenance_can_be_turned_off(folder, config, gateway):
    done = run("-c", config, "-d", folder, "-n", "d", "--no-include-provenance-metadata")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Number of images uploaded: 4\n")
    assert "Tool version" not in all_keys(only_dataset(gateway))


def test_options_count_before_the_file(folder, config, gateway, user):
    text = config.read_text("utf-8").replace(f"port: {user.server.port}", "port: 1")
    config.write_text(text, encoding="utf-8")
    assert run("-c", config, "-d", folder, "-n", "d").exit_code == 1
    assert run("-c", config, "-d", folder, "-n", "d", "-o", user.server.port).exit_code == 0


def test_a_password_that_no_file_gives_is_asked_for(folder, config, gateway, user):
    text = config.read_text("utf-8").replace(f"  password: '{user.password}'\n", "")
    config.write_text(text, encoding="utf-8")
    done = run("-c", config, "-d", folder, "-n", "d", typed=f"{user.password}\n")
    assert done.exit_code == 0, done.stderr
    assert user.password not in done.stdout + done.stderr


def test_the_files_password_is_not_used_for_another_user(folder, config):
    done = run("-c", config, "-d", folder, "-n", "d", "-u", "somebody", typed="")
    assert done.exit_code == 1
    assert "Password" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="files have no such modes")
def test_a_file_with_a_password_that_others_can_read_is_warned_of(folder, config):
    config.chmod(0o644)
    assert "chmod 600" in run("-c", config, "-d", folder, "-n", "d").stderr


# ---------------------------------------------------------------- modules of one's own
def own_modules(path):
    """Write a parser and a processor of the old style, with a module that both use."""
    path.mkdir()
    (path / "house_words.py").write_text("WORD = 'mine'\n", encoding="utf-8")
    (path / "custom_metadata_parser.py").write_text(
        "from omero_metadata_parser.metadata_parser import MetadataParser\n"
        "class CustomMetadataParser(MetadataParser):\n"
        "    def extract_metadata(self, filename):\n"
        "        from house_words import WORD\n"
        "        return {'description': f'by my own parser: {WORD}'}\n",
        encoding="utf-8",
    )
    (path / "custom_image_processor.py").write_text(
        "from omero_data_transfer.default_image_processor import DefaultImageProcessor\n"
        "from house_words import WORD\n"
        "class CustomImageProcessor(DefaultImageProcessor):\n"
        "    def process_images(self, omero_session, file_path, dataset):\n"
        "        kept = [f for f in file_path if 'GFP' in f]\n"
        "        return super().process_images(omero_session, kept, dataset)\n",
        encoding="utf-8",
    )
    return path


def test_a_parser_of_ones_own_needs_no_processor_beside_it(folder, config, gateway, tmp_path):
    modules = own_modules(tmp_path / "mine")
    (modules / "custom_image_processor.py").unlink()
    done = run("-c", config, "-d", folder, "-n", "d", "-y", "-m", modules, "-p")
    assert done.exit_code == 0, done.stderr
    assert only_dataset(gateway).getDescription() == "by my own parser: mine"


def test_a_processor_of_ones_own_needs_no_parser_beside_it(folder, config, gateway, tmp_path):
    modules = own_modules(tmp_path / "mine")
    (modules / "custom_metadata_parser.py").unlink()
    done = run("-c", config, "-d", folder, "-n", "d", "-y", "-m", modules, "-i")
    assert done.exit_code == 0, done.stderr
    (image,) = only_dataset(gateway).listChildren()
    assert image.getChannelLabels() == ["GFP"]


def test_a_module_path_alone_uses_neither(folder, config, gateway, tmp_path):
    (tmp_path / "empty").mkdir()
    done = run("-c", config, "-d", folder, "-n", "d", "-y", "-m", tmp_path / "empty")
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("option", ["-p", "-i"])
def test_a_class_that_is_not_there_is_said(folder, config, tmp_path, option):
    done = run("-c", config, "-d", folder, "-n", "d", "-m", tmp_path, option)
    assert done.exit_code == 2
    assert "custom_" in done.stderr
    done = run("-c", config, "-d", folder, "-n", "d", option)
    assert done.exit_code == 2
    assert "--module-path" in done.stderr


# ---------------------------------------------------------------- mistakes
def test_who_and_where_must_be_said(folder):
    done = run("-d", folder, "-n", "d")
    assert done.exit_code == 2
    assert "--username and --server must be given." in done.stderr


@pytest.mark.parametrize("left_out", ["-d", "-n"])
def test_folder_and_name_are_required(folder, config, left_out):
    words = {"-d": str(folder), "-n": "d", "-c": str(config)}
    del words[left_out]
    assert run(*[word for pair in words.items() for word in pair]).exit_code == 2


def test_a_folder_that_cannot_be_uploaded_ends_with_a_sentence(config, tmp_path):
    done = run("-c", config, "-d", tmp_path / "nowhere", "-n", "d", "-y")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-2].startswith("Error: ")
    assert "uploaded" not in done.stdout


# ---------------------------------------------------------------- the password
def test_a_password_is_no_argument(folder, user):
    done = run("-u", user.name, "-s", user.server.host, "-d", folder, "-n", "d", "-a", "s3cret")
    assert done.exit_code == 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_password_is_in_no_process_list_nor_on_the_terminal(folder, user, tmp_path):
    import pty  # noqa: PLC0415 - there is none on Windows
    import termios  # noqa: PLC0415

    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [
            *[*COMMAND, "-u", user.name, "-s", user.server.host, "-o", str(user.server.port)],
            *["-a", "-d", str(folder), "-n", "d", "-y"],
        ],
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
    )
    shown, lists, typed = b"", b"", False
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        proc = Path(f"/proc/{process.pid}")
        with contextlib.suppress(OSError):  # it may end just now
            lists += (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
        echoes = termios.tcgetattr(terminal)[3] & termios.ECHO
        if not typed and b"Password" in shown and not echoes:
            os.write(terminal, f"{user.password}\n".encode())
            typed = True
        if select.select([terminal], [], [], 0.05)[0]:
            shown += os.read(terminal, 4096)
    while select.select([terminal], [], [], 0)[0]:
        shown += os.read(terminal, 4096)
    process.kill()
    os.close(terminal)
    os.close(other_end)
    assert process.wait() == 0, shown
    assert b"Number of hypercubes uploaded: 1" in shown
    assert user.password.encode() not in shown + lists
    state = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert not [path for path in state if user.password.encode() in path.read_bytes()]
