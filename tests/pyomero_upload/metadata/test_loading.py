"""What `--parser` may say."""

import sys
from pathlib import Path

import pytest

from pyomero_upload.errors import UsageError
from pyomero_upload.metadata import AcqMetadataParser, TemplateMetadataParser
from pyomero_upload.metadata.loading import load_parser

PARSER = """\
from lab_words import WORD


class Parser:
    def extract_metadata(self, filename):
        return {"description": WORD}
"""


def test_a_class_of_an_installed_module_is_found():
    parser = load_parser("pyomero_upload.metadata:AcqMetadataParser")
    assert isinstance(parser, AcqMetadataParser)


def test_a_class_of_a_file_is_found_with_the_modules_beside_it(tmp_path: Path):
    (tmp_path / "lab_words.py").write_text("WORD = 'found'\n", encoding="utf-8")
    (tmp_path / "lab parser.py").write_text(PARSER, encoding="utf-8")
    path = list(sys.path)
    parser = load_parser(f"{tmp_path / 'lab parser.py'}:Parser")
    assert parser.extract_metadata("") == {"description": "found"}
    assert sys.path == path


def test_a_module_in_the_current_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "lab_in_cwd.py").write_text(
        "class P:\n    extract_metadata = print\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    assert callable(load_parser("lab_in_cwd:P").extract_metadata)


def test_an_object_may_stand_for_its_class(tmp_path: Path):
    (tmp_path / "lab.py").write_text(
        "class P:\n    extract_metadata = print\n\np = P()\n", encoding="utf-8"
    )
    assert type(load_parser(f"{tmp_path / 'lab.py'}:p")).__name__ == "P"


def test_an_installed_plug_in_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    info = tmp_path / "lab_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: lab-plugin\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        "[pyomero_upload.parsers]\nmy-lab = lab_plugin:Parser\nbroken = lab_plugin:Nothing\n",
        encoding="utf-8",
    )
    (tmp_path / "lab_plugin.py").write_text(
        "class Parser:\n    extract_metadata = print\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert type(load_parser("my-lab")).__name__ == "Parser"
    with pytest.raises(UsageError, match="broken cannot be loaded: AttributeError"):
        load_parser("broken")
    with pytest.raises(UsageError, match="no parser called other") as caught:
        load_parser("other")
    assert "installed: broken, my-lab" in caught.value.hint


def test_a_yaml_file_makes_a_template_parser(tmp_path: Path):
    (tmp_path / "lab.yaml").write_text("files: '*.info'\n", encoding="utf-8")
    assert isinstance(load_parser(str(tmp_path / "lab.yaml")), TemplateMetadataParser)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", "There is no parser called nothing"),
        ("module:", "There is no parser called module:"),
        ("no_such_module_anywhere:P", "cannot be loaded: ModuleNotFoundError"),
        ("no/such/file.py:P", "There is no file"),
        ("pyomero_upload.metadata:Nothing", "has nothing called Nothing"),
        ("pyomero_upload.model:Metadata", "is no parser: it has no method extract_metadata"),
        ("pyomero_upload.metadata:MetadataParser", "cannot be loaded: TypeError"),
    ],
)
def test_anything_else_is_a_usage_error_with_a_hint(name: str, says: str):
    with pytest.raises(UsageError, match=says) as caught:
        load_parser(name)
    assert caught.value.hint


def test_a_file_with_a_mistake_in_it_says_which(tmp_path: Path):
    (tmp_path / "lab.py").write_text("class P(:\n", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be loaded: SyntaxError"):
        load_parser(f"{tmp_path / 'lab.py'}:P")


def test_a_usage_error_of_the_parser_s_own_passes_as_it_is(tmp_path: Path):
    (tmp_path / "lab.py").write_text(
        "from pyomero_upload.metadata import TemplateMetadataParser\n\n\n"
        "class P(TemplateMetadataParser):\n    def __init__(self):\n        super().__init__('no.yaml')\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match=r"^no\.yaml cannot be read"):
        load_parser(f"{tmp_path / 'lab.py'}:P")
