"""`pyomero demo --web`: from nothing to a Dataset in a browser."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
def test_the_demo_ends_before_its_dataset_in_omero_web(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from pyomero_upload.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "demo", "--web", "--progress", "none"],
        cwd=tmp_path,
        env={**os.environ, "PYOMERO_STATE": str(tmp_path / "state"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        told = ""
        while "Ctrl-C" not in told:
            line = process.stdout.readline()
            assert line, told
            told += line
        address = re.search(r"(http://\S+)webclient/\?show=dataset-(\d+)", told)
        password = (tmp_path / "pyomero-demo/server/root-password").read_text().strip()
        assert password not in told
        session = requests.Session()
        token = session.get(f"{address[1]}api/v0/token/", timeout=60).json()["data"]
        session.headers.update({"X-CSRFToken": token, "Referer": address[1]})
        login = {"username": "root", "password": password, "server": 1}
        session.post(f"{address[1]}api/v0/login/", data=login, timeout=60).raise_for_status()
        listed = session.get(f"{address[1]}api/v0/m/datasets/{address[2]}/images/", timeout=60)
        images = listed.json()["data"]
        assert [image["Name"] for image in images] == ["pos001", "pos002", "pos003"]
        picture = session.get(
            f"{address[1]}webgateway/render_image/{images[0]['@id']}/0/0/", timeout=60
        )
        assert picture.headers["Content-Type"] == "image/jpeg"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
