"""Where this machine's pip or uv is told to find packages: their variables and files, read only.

First step of a build, for `archive`. A builder gets no word from pip or uv about where they
fetch from, so this reads what they read. What was given to them on the command line stays
unknown here. Rules: https://pip.pypa.io/en/stable/topics/configuration/ and
https://docs.astral.sh/uv/concepts/configuration-files/ and .../concepts/indexes/.

Both tools are asked. PyPI counts only if neither names a default index of its own, so a site
that has closed itself off stays closed; and "no index" from either means none.
"""

import configparser
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PYPI = "https://pypi.org/simple"


@dataclass(frozen=True)
class Places:
    """Where to look for an archive, in this order.

    Attributes
    ----------
    find_links
        Folders, or pages that link archives directly.
    indexes
        Addresses of simple indexes (PEP 503), without the package's name.
    ca_bundle
        File of the certificates to trust, or None for the system's.
    insecure_hosts
        Hosts whose certificate is not checked (`host` or `host:port`).
    """

    find_links: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    ca_bundle: str | None = None
    insecure_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Answer:
    """What one tool is set to."""

    default: str | None
    extra: list[str]
    find_links: list[str]
    no_index: bool
    insecure_hosts: list[str]
    ca_bundle: str | None


def configured(environ: Mapping[str, str], folder: Path) -> Places:
    """Return where pip and uv would look.

    Parameters
    ----------
    environ
        The environment variables.
    folder
        The folder from which upwards a project's uv settings are looked for.
    """
    uv, pip = _uv(environ, folder), _pip(environ)
    defaults = [url for url in (uv.default, pip.default) if url] or [PYPI]
    indexes = [*uv.extra, *defaults, *pip.extra]
    ca_bundle = (
        uv.ca_bundle
        or pip.ca_bundle
        or environ.get("REQUESTS_CA_BUNDLE")
        or environ.get("CURL_CA_BUNDLE")
    )
    return Places(
        find_links=_unique([*uv.find_links, *pip.find_links]),
        indexes=() if uv.no_index or pip.no_index else _unique(indexes),
        ca_bundle=ca_bundle,
        insecure_hosts=_unique([*uv.insecure_hosts, *pip.insecure_hosts]),
    )


def _unique(items: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.rstrip("/") for item in items if item))


def _yes(value: str) -> bool:
    return value.strip().lower() in {"1", "true", "yes", "on", "y", "t"}


# pip ------------------------------------------------------------------------------------------


def _pip(environ: Mapping[str, str]) -> _Answer:
    values: dict[str, str] = {}
    for path in _pip_files(environ):
        # no interpolation: "%" is common in passwords
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself complains about it
        for section in ("global", "install", "wheel"):
            if parser.has_section(section):
                values |= {key.replace("_", "-"): text for key, text in parser.items(section)}
    values |= {
        name[4:].lower().replace("_", "-"): text
        for name, text in environ.items()
        if name.startswith("PIP_") and text
    }
    return _Answer(
        default=values.get("index-url"),
        extra=values.get("extra-index-url", "").split(),
        find_links=values.get("find-links", "").split(),
        no_index=_yes(values.get("no-index", "")),
        insecure_hosts=values.get("trusted-host", "").split(),
        ca_bundle=values.get("cert"),
    )


def _pip_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield pip's settings files, the weakest first."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    for folder in _system_folders(environ, macos="/Library/Application Support"):
        yield folder / "pip" / name
    if os.name != "nt":
        yield Path("/etc") / name
    home = Path.home()
    yield home / ("pip" if os.name == "nt" else ".pip") / name
    if sys.platform == "darwin":
        yield home / "Library" / "Application Support" / "pip" / name
    yield _user_folder(environ) / "pip" / name
    yield Path(environ.get("VIRTUAL_ENV") or sys.prefix) / name
    if named:
        yield Path(named)


def _system_folders(environ: Mapping[str, str], macos: str) -> list[Path]:
    if os.name == "nt":
        return [Path(environ.get("PROGRAMDATA", "C:/ProgramData"))]
    if sys.platform == "darwin":
        return [Path(macos)]
    folders = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [Path(folder) for folder in reversed(folders.split(":")) if folder]


def _user_folder(environ: Mapping[str, str]) -> Path:
    if os.name == "nt":
        return Path(environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


# uv -------------------------------------------------------------------------------------------


def _uv(environ: Mapping[str, str], folder: Path) -> _Answer:
    default = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
    default = _with_login(environ, *_named(default)) if default else None
    extra = [
        _with_login(environ, *_named(item))
        for variable in ("UV_INDEX", "UV_EXTRA_INDEX_URL")
        for item in environ.get(variable, "").split()
    ]
    find_links = [item for item in environ.get("UV_FIND_LINKS", "").split(",") if item]
    insecure = environ.get("UV_INSECURE_HOST", "").split()
    no_index = any(_yes(environ.get(name, "")) for name in ("UV_NO_INDEX", "UV_OFFLINE"))
    for base, settings in _uv_settings(environ, folder):
        for entry in settings.get("index", []):
            if entry.get("explicit"):
                continue  # holds only for packages that name it
            url = _with_login(environ, entry.get("name"), _absolute(entry["url"], base))
            if entry.get("format") == "flat":
                find_links.append(url)
            elif entry.get("default"):
                default = default or url
            else:
                extra.append(url)
        default = default or settings.get("index-url")
        extra += settings.get("extra-index-url", [])
        find_links += [_absolute(item, base) for item in settings.get("find-links", [])]
        insecure += settings.get("allow-insecure-host", [])
        no_index = no_index or bool(settings.get("no-index") or settings.get("offline"))
    return _Answer(default, extra, find_links, no_index, insecure, environ.get("SSL_CERT_FILE"))


def _uv_settings(environ: Mapping[str, str], folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield what uv's settings files hold and the folder each lies in, the strongest first."""
    if _yes(environ.get("UV_NO_CONFIG", "")):
        return
    if environ.get("UV_CONFIG_FILE"):
        paths = [Path(environ["UV_CONFIG_FILE"])]
    else:
        starts = [folder, *([Path(environ["PWD"])] if environ.get("PWD") else [])]
        paths = [
            parent / name
            for start in starts
            for parent in (start, *start.parents)
            for name in ("uv.toml", "pyproject.toml")
        ]
        paths.append(_user_folder(environ) / "uv" / "uv.toml")
        # uv reads the same folders on macOS as on Linux
        paths += [Path(entry, "uv", "uv.toml") for entry in _system_folders(environ, "/etc/xdg")]
        paths.append(Path("/etc/uv/uv.toml"))
    for path in dict.fromkeys(paths):
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # not there, or uv itself complains about it
        if path.name == "pyproject.toml":
            settings = settings.get("tool", {}).get("uv", {})
        yield path.parent, settings
        yield path.parent, settings.get("pip", {})


def _named(item: str) -> tuple[str | None, str]:
    """Take an index apart that may be given as `name=address`."""
    match = re.match(r"([A-Za-z0-9_.-]+)=(.+)", item)
    return (match[1], match[2]) if match else (None, item)


def _with_login(environ: Mapping[str, str], name: str | None, url: str) -> str:
    """Put the user and password of `UV_INDEX_<NAME>_USERNAME` and `…_PASSWORD` into an address."""
    if not name:
        return url
    prefix = f"UV_INDEX_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"
    user, password = environ.get(f"{prefix}_USERNAME", ""), environ.get(f"{prefix}_PASSWORD", "")
    parts = urlsplit(url)
    if not (user or password) or "@" in parts.netloc:
        return url
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))


def _absolute(url: str, base: Path) -> str:
    """Return an address as it is, and a path as seen from the settings file that names it."""
    return url if "://" in url else str(base / url)
