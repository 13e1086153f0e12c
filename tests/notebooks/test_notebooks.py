"""The notebooks, from top to bottom, as a user runs them; and one as people wrote them for the published tool."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from pyomero_upload.example import make_example

NOTEBOOKS = sorted((Path(__file__).parent.parent.parent / "notebooks").glob("*.ipynb"))
OLD_STYLE = [
    """
import omero
from omero.rtypes import rstring
from omero.util.script_utils import readFlimImageFile
from pyomero_upload.pyomero_upload import PyOmeroUploader
""",
    """
import os
uploader = PyOmeroUploader(os.environ["OMERO_USER"], os.environ["OMERO_PASSWORD"], os.environ["OMERO_HOST"], int(os.environ["OMERO_PORT"]))
dataset_id = uploader.launch_upload("Old notebook", "experiment", True)
""",
    """
searcher = uploader.searcher()
params = omero.sys.Parameters()
params.map = {"dname": rstring("Old note%")}
datasets = searcher.find_objects_by_query("select d from Dataset d where d.name like :dname", params)
[d.name.val for d in datasets]
""",
    """
params = omero.sys.Parameters()
params.map = {"did": omero.rtypes.rlong(int(dataset_id))}
images = searcher.find_objects_by_query("select i from Image i left outer join fetch i.datasetLinks as dlinks left outer join fetch dlinks.child as image where dlinks.parent.id = :did", params)
params.map = {"iids": omero.rtypes.rlist([i.id for i in images])}
pixels = searcher.find_objects_by_query("SELECT p FROM Pixels as p JOIN FETCH p.image JOIN FETCH p.pixelsType WHERE p.image.id in :iids", params)
planes = readFlimImageFile(searcher.SESSION.createRawPixelsStore(), pixels[0])
planes.shape
""",
    "searcher.close_omero_session()",
]


def run(book: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    client = NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    try:
        return client.execute()
    except CellExecutionError as error:
        pytest.fail(str(error))


def texts(book: nbformat.NotebookNode) -> str:
    """Return all that the cells show, as plain text and HTML."""
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    data = [value for o in outputs for key, value in o.get("data", {}).items() if "text" in key]
    return "\n".join([*data, *(o.get("text", "") for o in outputs)])


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what notebooks leave in a folder of the test, and no server named."""
    for variable in [name for name in os.environ if name.startswith("OMERO_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path / "omero"))


@pytest.fixture
def as_user(omero_new_user, monkeypatch: pytest.MonkeyPatch):
    """Name a server and a user of it in the environment."""
    user = omero_new_user()
    monkeypatch.setenv("OMERO_HOST", user.server.host)
    monkeypatch.setenv("OMERO_PORT", str(user.server.port))
    monkeypatch.setenv("OMERO_USER", user.name)
    monkeypatch.setenv("OMERO_PASSWORD", user.password)
    return user


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_on_a_server_of_its_own(path: Path, tmp_path: Path):
    book = run(nbformat.read(path, as_version=4), tmp_path)
    assert "Dataset:" in texts(book) or "/api/" in texts(book)
    assert (tmp_path / "omero-to-try").is_dir()


@pytest.mark.parametrize("name", ["omero_query", "omero_analysis"])
def test_a_notebook_runs_on_a_server_that_its_variables_name(name, tmp_path, as_user):
    (path,) = [path for path in NOTEBOOKS if path.stem == name]
    book = run(nbformat.read(path, as_version=4), tmp_path)
    assert as_user.name in texts(book)
    assert not (tmp_path / "omero-to-try").exists()
    assert as_user.password not in nbformat.writes(book)


def test_a_notebook_written_for_the_published_tool_runs_unchanged(tmp_path, as_user):
    make_example(tmp_path / "experiment", positions=2, times=2, sections=3, size=32)
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in OLD_STYLE]
    shown = texts(run(book, tmp_path))
    assert "Number of hypercubes uploaded: 2" in shown
    assert re.search(r"Uploaded Dataset ID: \d+", shown)
    assert "['Old notebook']" in shown
    assert "(3, 32, 32)" in shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path):
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
