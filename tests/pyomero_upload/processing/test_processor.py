"""Finding image processors by name."""

import numpy as np
import pytest

from pyomero_upload.errors import UsageError
from pyomero_upload.processing import ImageProcessor, load_processor


@pytest.mark.parametrize("name", ["max-z", "rolling-ball", "pyomero_upload.processing.max_z:MaxZ"])
def test_a_processor_is_found_by_its_name_or_its_class(name):
    assert isinstance(load_processor(name), ImageProcessor)


def test_a_class_of_the_users_own_is_found(tmp_path, monkeypatch):
    (tmp_path / "mine_for_the_test.py").write_text(
        "from pyomero_upload.processing import ImageProcessor\n"
        "class Double(ImageProcessor):\n"
        "    def describe(self, image): return image\n"
        "    def process(self, stack, t, c, image): return stack * 2\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    double = load_processor("mine_for_the_test:Double")
    assert double.process(np.ones((1, 1, 1)), 0, 0, None) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sharpen", "no image processor called sharpen"),
        ("no_such_module:Thing", "cannot be loaded"),
        ("json:Nothing", "has nothing called Nothing"),
        ("json:JSONDecoder", "is not an image processor"),
        ("json:loads", "is not an image processor"),
        ("pyomero_upload.processing:ImageProcessor", "is not an image processor"),
    ],
)
def test_what_is_no_processor_is_refused_with_what_to_do(name, message):
    with pytest.raises(UsageError, match=message) as error:
        load_processor(name)
    assert error.value.hint


def test_a_module_in_the_current_folder_and_a_file_are_found(tmp_path, monkeypatch):
    (tmp_path / "mine_here.py").write_text(
        "from pyomero_upload.processing.max_z import MaxZ\nclass Mine(MaxZ): pass\n"
    )
    monkeypatch.chdir(tmp_path)
    assert type(load_processor("mine_here:Mine")).__name__ == "Mine"
    assert type(load_processor(f"{tmp_path / 'mine_here.py'}:Mine")).__name__ == "Mine"


@pytest.mark.parametrize(
    "code", ["x = (", "raise RuntimeError('no')", "class Mine: pass\nMine = Mine.nothing"]
)
def test_a_module_that_breaks_is_a_sentence_and_no_traceback(tmp_path, code):
    (tmp_path / "broken.py").write_text(code)
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_processor(f"{tmp_path / 'broken.py'}:Mine")


def test_a_processor_that_cannot_be_made_without_arguments_is_refused(tmp_path):
    (tmp_path / "needy.py").write_text(
        "from pyomero_upload.processing.max_z import MaxZ\n"
        "class Needy(MaxZ):\n    def __init__(self, radius): pass\n"
    )
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_processor(f"{tmp_path / 'needy.py'}:Needy")
