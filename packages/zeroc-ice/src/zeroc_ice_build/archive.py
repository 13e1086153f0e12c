"""The published source archive: found, fetched, checked against its digest, unpacked.

Second step of a build. The digest is pinned, so it does not matter for safety from which of the
configured places the archive comes; each is asked in turn until one has it.
"""

import hashlib
import json
import os
import ssl
import tarfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit
from urllib.request import url2pathname

import requests
import truststore
from requests.adapters import HTTPAdapter
from requests.utils import get_auth_from_url

from .errors import BuildError
from .index import Places
from .progress import say

NAME = "zeroc-ice-3.6.5.tar.gz"
SHA256 = "4235ffeb605bcd4e22e716577f7d61e4aa1bc82f65276bb542701a81b7933356"

_SECONDS_TO_ANSWER = 60
_SIMPLE = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
)


def fetch(places: Places, path: Path, sha256: str = SHA256) -> None:
    """Get the archive, unless it is there already.

    Parameters
    ----------
    places
        Where to look for it.
    path
        Where it is kept from then on.
    sha256
        The digest it must have.

    Raises
    ------
    BuildError
        No place has it, or what they have is another file; the message lists every place.
    """
    if path.is_file() and digest(path.read_bytes()) == sha256:
        return
    refused = []
    with _session() as session:
        for page in _pages(places):
            try:
                content = _from_page(session, places, page)
            except (OSError, ValueError) as error:  # requests' errors are OSErrors
                refused.append(f"{_shown(page)}: {_without_login(str(error), page)}")
                continue
            if digest(content) == sha256:
                path.parent.mkdir(parents=True, exist_ok=True)
                partial = path.with_name(f"{path.name}.{os.getpid()}")
                partial.write_bytes(content)
                partial.replace(path)
                return
            refused.append(
                f"{_shown(page)}: its {NAME} is another file (SHA-256 {digest(content)})"
            )
    tried = "\n  ".join(refused) or "nowhere: pip or uv is set to use no index"
    raise BuildError(
        f"The source archive {NAME} (SHA-256 {sha256}) was not to be had. Tried:\n  {tried}\n"
        "Set the index with UV_DEFAULT_INDEX or PIP_INDEX_URL (an option on the command line of "
        "uv or pip does not reach a build), or put the archive into a folder and name that "
        "folder in UV_FIND_LINKS or PIP_FIND_LINKS."
    )


def unpack(path: Path, folder: Path) -> Path:
    """Unpack the archive into a folder and return the tree that holds its setup.py."""
    with tarfile.open(path) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:  # before 3.10.12; the digest vouches for the content
            archive.extractall(folder)  # noqa: S202
    return folder / NAME.removesuffix(".tar.gz")


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _pages(places: Places) -> Iterator[str]:
    """Yield the folders and pages that may name the archive, in the order of asking."""
    yield from places.find_links
    for index in places.indexes:
        yield f"{index}/zeroc-ice/"


def _from_page(session: requests.Session, places: Places, page: str) -> bytes:
    """Return the archive that a folder, page or index names; FileNotFoundError if it names none."""
    folder = _as_path(page)
    if folder and folder.is_dir() and (folder / NAME).is_file():
        return (folder / NAME).read_bytes()
    if folder and folder.is_dir():
        folder /= "index.html"
    if folder:
        links = _links(folder.read_text(encoding="utf-8"), "text/html")
        address = folder.as_uri()
    else:
        reply = _get(session, places, page)
        links = _links(reply.text, reply.headers.get("content-type", ""))
        address = reply.url
    for link in links:
        url = urldefrag(urljoin(address, link)).url
        if urlsplit(url).path.rpartition("/")[2] == NAME:
            local = _as_path(url)
            if local:
                return local.read_bytes()
            say(f"fetching {NAME}")
            return _get(session, places, url, login_of=page).content
    raise FileNotFoundError(f"names no {NAME}")


def _as_path(place: str) -> Path | None:
    """Return the path of a folder or a `file:` address, None for an address on the network."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if "://" in place else Path(place).expanduser()


def _get(
    session: requests.Session, places: Places, url: str, login_of: str = ""
) -> requests.Response:
    """Get an address; a file on the index's own host is asked for with the index's login."""
    host = urlsplit(url)
    user, password = get_auth_from_url(login_of)
    known = bool(user or password) and host.hostname == urlsplit(login_of).hostname
    checked = not {host.hostname, host.netloc} & set(places.insecure_hosts)
    reply = session.get(
        url,
        headers={"Accept": _SIMPLE},
        timeout=_SECONDS_TO_ANSWER,
        auth=(user, password) if known else None,
        verify=(places.ca_bundle or True) if checked else False,
    )
    reply.raise_for_status()
    return reply


def _links(text: str, content_type: str) -> list[str]:
    """Return the addresses on an index page, in either of its forms (PEP 503, PEP 691)."""
    if content_type.partition(";")[0].strip().endswith("+json"):
        return [str(file["url"]) for file in json.loads(text)["files"]]
    parser = _Anchors()
    parser.feed(text)
    return parser.links


class _Anchors(HTMLParser):
    """Collects the targets of links."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the target of an `a` element."""
        if tag == "a":
            self.links += [value for key, value in attrs if key == "href" and value]


class _SystemTrust(HTTPAdapter):
    """Trusts what the machine trusts, as pip does: many sites sign for their own proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections with the system's certificates."""
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().init_poolmanager(*args, ssl_context=context, **kwargs)


def _session() -> requests.Session:
    session = requests.Session()  # knows proxies and .netrc by itself
    session.mount("https://", _SystemTrust(max_retries=3))
    return session


def _shown(url: str) -> str:
    """Return an address without its user and password, for messages."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _without_login(text: str, url: str) -> str:
    login = urlsplit(url).netloc.rpartition("@")[0]
    return text.replace(f"{login}@", "") if login else text
