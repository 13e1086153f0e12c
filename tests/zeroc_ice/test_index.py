import os
from pathlib import Path

import pytest
from zeroc_ice_build.index import PYPI, configured

# An environment in which no settings of this machine are found. Tests add to it.
BARE = {"PIP_CONFIG_FILE": os.devnull, "XDG_CONFIG_DIRS": "/nowhere", "PROGRAMDATA": "/nowhere"}
A, B, C = "https://a.example/simple", "https://b.example/simple", "https://c.example/simple"

pytestmark = [
    pytest.mark.usefixtures("home"),
    pytest.mark.skipif(
        Path("/etc/uv/uv.toml").exists(), reason="this machine has its own settings"
    ),
]


def indexes(environ: dict[str, str], folder: Path) -> tuple[str, ...]:
    return configured({**BARE, **environ}, folder).indexes


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_where_nothing_is_set_pypi_is_asked(tmp_path: Path) -> None:
    assert indexes({}, tmp_path) == (PYPI,)


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"])
def test_a_default_index_takes_the_place_of_pypi(variable: str, tmp_path: Path) -> None:
    assert indexes({variable: f"{A}/"}, tmp_path) == (A,)


def test_more_indexes_are_asked_beside_pypi_in_the_order_of_the_tools(tmp_path: Path) -> None:
    environ = {"UV_INDEX": f"here={A} {B}", "PIP_EXTRA_INDEX_URL": C}
    assert indexes(environ, tmp_path) == (A, B, PYPI, C)


def test_where_both_tools_are_set_both_are_asked_and_pypi_is_not(tmp_path: Path) -> None:
    assert indexes({"PIP_INDEX_URL": A, "UV_DEFAULT_INDEX": B}, tmp_path) == (B, A)


@pytest.mark.parametrize("variable", ["PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE"])
def test_no_index_leaves_the_folders_only(variable: str, tmp_path: Path) -> None:
    environ = {**BARE, variable: "1", "PIP_INDEX_URL": A, "UV_FIND_LINKS": "/one,/two"}
    places = configured({**environ, "PIP_FIND_LINKS": "/three /two"}, tmp_path)
    assert places.indexes == ()
    assert places.find_links == ("/one", "/two", "/three")


def test_pips_own_file_counts_and_its_variables_count_more(home: Path, tmp_path: Path) -> None:
    file = write(
        tmp_path / "pip.conf",
        f"[global]\nindex-url = {A}\nextra-index-url =\n    {B}\n    {C}\n"
        "cert = /of/global\n[install]\ncert = /of/install%20\n",
    )
    environ = {"PIP_CONFIG_FILE": str(file)}
    assert indexes(environ, tmp_path) == (A, B, C)
    assert configured({**BARE, **environ}, tmp_path).ca_bundle == "/of/install%20"
    assert indexes({**environ, "PIP_INDEX_URL": C, "PIP_EXTRA_INDEX_URL": ""}, tmp_path) == (C, B)


@pytest.mark.skipif(os.name == "nt", reason="where Windows has no such folder")
def test_the_users_pip_file_is_found_where_pip_looks(home: Path, tmp_path: Path) -> None:
    write(home / ".pip" / "pip.conf", f"[global]\nindex-url = {A}\n")
    bare = {"PIP_CONFIG_FILE": ""}
    assert indexes(bare, tmp_path)[0] == A
    write(home / ".config" / "pip" / "pip.conf", f"[global]\nindex-url = {B}\n")
    assert indexes(bare, tmp_path)[0] == B
    assert indexes({"PIP_CONFIG_FILE": os.devnull}, tmp_path) == (PYPI,)


def test_uvs_settings_of_the_project_above_count(tmp_path: Path) -> None:
    inner = tmp_path / "packages" / "inner"
    write(inner / "pyproject.toml", "[tool.uv]\ncache-keys = []\n")
    write(
        tmp_path / "pyproject.toml",
        f'[[tool.uv.index]]\nurl = "{A}"\ndefault = true\n'
        f'[[tool.uv.index]]\nurl = "{B}"\nname = "theirs"\nexplicit = true\n'
        f'[[tool.uv.index]]\nurl = "{C}"\n',
    )
    assert indexes({}, inner) == (C, A)
    assert indexes({"UV_NO_CONFIG": "1"}, inner) == (PYPI,)


def test_the_project_that_uv_was_called_from_counts_too(tmp_path: Path) -> None:
    write(tmp_path / "theirs" / "uv.toml", f'index-url = "{A}"\n')
    environ = {"PWD": str(tmp_path / "theirs" / "deeper")}
    assert indexes(environ, tmp_path / "ours") == (A,)


def test_a_named_uv_file_is_the_only_one_read_and_its_paths_start_there(tmp_path: Path) -> None:
    write(tmp_path / "uv.toml", f'index-url = "{A}"\n')
    file = write(
        tmp_path / "own" / "my.toml",
        'find-links = ["wheels"]\nallow-insecure-host = ["old.example:8443"]\n'
        f'[[index]]\nurl = "{B}/flat"\nformat = "flat"\n[pip]\nno-index = true\n',
    )
    places = configured({**BARE, "UV_CONFIG_FILE": str(file)}, tmp_path)
    assert places.indexes == ()
    assert places.find_links == (f"{B}/flat", str(tmp_path / "own" / "wheels"))
    assert places.insecure_hosts == ("old.example:8443",)


def test_the_login_of_a_named_index_goes_into_its_address(tmp_path: Path) -> None:
    environ = {
        "UV_INDEX": f"our-mirror={A}",
        "UV_INDEX_OUR_MIRROR_USERNAME": "ada",
        "UV_INDEX_OUR_MIRROR_PASSWORD": "p@ss",
    }
    assert indexes(environ, tmp_path)[0] == "https://ada:p%40ss@a.example/simple"


@pytest.mark.parametrize(
    "variable", ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
)
def test_certificates_are_taken_from_the_usual_variables(variable: str, tmp_path: Path) -> None:
    assert configured({**BARE, variable: "/ca.pem"}, tmp_path).ca_bundle == "/ca.pem"


def test_a_damaged_settings_file_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "uv.toml", "index-url = not toml")
    file = write(tmp_path / "pip.conf", "no section = here\n")
    assert indexes({"PIP_CONFIG_FILE": str(file)}, tmp_path) == (PYPI,)
