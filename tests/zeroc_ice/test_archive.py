import hashlib
import json
import tarfile
from pathlib import Path

import pytest
from zeroc_ice_build import archive
from zeroc_ice_build.errors import BuildError
from zeroc_ice_build.index import Places

CONTENT = b"what was published"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = archive.NAME
HTML, JSON = "text/html; charset=utf-8", "application/vnd.pypi.simple.v1+json"


def serve(site, kind: str, link: str, content: bytes = CONTENT, at: str = "/simple") -> Places:
    """Put an index with one link on the site, and the file that it leads to."""
    wrong = "zeroc-ice-3.6.4.tar.gz"
    page = (
        json.dumps({"files": [{"url": wrong}, {"url": link}]})
        if kind == JSON
        else f'<html><a href="{wrong}">{wrong}</a> <a rel="x" href="{link}#sha256=0">{NAME}</a>'
    )
    site.pages[f"{at}/zeroc-ice/"] = (kind, page.encode())
    site.pages[f"/files/{NAME}"] = ("application/gzip", content)
    return Places(indexes=(f"{site.url}{at}",))


@pytest.mark.parametrize("kind", [HTML, JSON])
@pytest.mark.parametrize("link", [f"/files/{NAME}", f"../../files/{NAME}"])
def test_the_archive_is_found_on_both_kinds_of_index(site, kind, link, tmp_path: Path) -> None:
    path = tmp_path / "cache" / NAME
    archive.fetch(serve(site, kind, link), path, SHA256)
    assert path.read_bytes() == CONTENT
    assert [item.name for item in path.parent.iterdir()] == [NAME]


def test_an_archive_that_is_kept_is_not_fetched_again(site, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(CONTENT)
    archive.fetch(serve(site, HTML, f"/files/{NAME}"), path, SHA256)
    assert site.asked == []


def test_a_kept_archive_that_is_damaged_is_fetched_again(site, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(CONTENT[:-1])
    archive.fetch(serve(site, HTML, f"/files/{NAME}"), path, SHA256)
    assert path.read_bytes() == CONTENT


def test_another_file_under_the_same_name_is_refused(site, tmp_path: Path) -> None:
    places = serve(site, HTML, f"/files/{NAME}", content=b"something else")
    with pytest.raises(BuildError) as caught:
        archive.fetch(places, tmp_path / NAME, SHA256)
    assert "is another file" in str(caught.value)
    assert SHA256 in str(caught.value)
    assert hashlib.sha256(b"something else").hexdigest() in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_fails_does_not_hide_the_next_one(site, tmp_path: Path) -> None:
    good = serve(site, JSON, f"/files/{NAME}", at="/second")
    places = Places(indexes=(f"{site.url}/first", *good.indexes))
    archive.fetch(places, tmp_path / NAME, SHA256)
    assert site.asked[0][0] == "/first/zeroc-ice/"
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_the_login_of_an_index_opens_its_files_and_is_never_shown(site, tmp_path: Path) -> None:
    places = serve(site, HTML, f"/files/{NAME}")
    address = places.indexes[0].replace("http://", "http://ada:s3cret@")
    archive.fetch(Places(indexes=(address,)), tmp_path / NAME, SHA256)
    basic = "Basic YWRhOnMzY3JldA=="
    assert site.asked == [("/simple/zeroc-ice/", basic), (f"/files/{NAME}", basic)]

    lost = address.replace("/simple", "/lost")
    with pytest.raises(BuildError) as caught:
        archive.fetch(Places(indexes=(lost,)), tmp_path / "other" / NAME, SHA256)
    assert f"{site.url}/lost/zeroc-ice/: 404" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_folder_of_files_will_do_without_any_index(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / NAME).write_bytes(CONTENT)
    for place in (str(files), files.as_uri()):
        kept = tmp_path / hashlib.sha256(place.encode()).hexdigest() / NAME
        archive.fetch(Places(find_links=(place,)), kept, SHA256)
        assert kept.read_bytes() == CONTENT


def test_an_index_may_lie_on_the_disk(tmp_path: Path) -> None:
    page = tmp_path / "simple" / "zeroc-ice" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<a href="../../{NAME}">here</a>', encoding="utf-8")
    (tmp_path / NAME).write_bytes(CONTENT)
    places = Places(indexes=((tmp_path / "simple").as_uri(),))
    archive.fetch(places, tmp_path / "kept" / NAME, SHA256)
    assert (tmp_path / "kept" / NAME).read_bytes() == CONTENT


def test_the_message_says_where_it_was_looked_for_and_what_can_be_done(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    nobody = "http://127.0.0.1:1/simple"
    with pytest.raises(BuildError) as caught:
        archive.fetch(Places((str(folder),), (nobody,)), tmp_path / NAME, SHA256)
    for words in (str(folder), f"{nobody}/zeroc-ice/", "UV_DEFAULT_INDEX", "PIP_FIND_LINKS"):
        assert words in str(caught.value)
    with pytest.raises(BuildError, match="set to use no index"):
        archive.fetch(Places(), tmp_path / NAME, SHA256)


def test_the_archive_is_unpacked_and_its_tree_returned(tmp_path: Path) -> None:
    source = tmp_path / "setup.py"
    source.write_text("text", encoding="utf-8")
    with tarfile.open(tmp_path / NAME, "w:gz") as packed:
        packed.add(source, "zeroc-ice-3.6.5/setup.py")
    tree = archive.unpack(tmp_path / NAME, tmp_path / "into")
    assert (tree / "setup.py").read_text(encoding="utf-8") == "text"
