"""omero.api.IConfig: version, time, and configuration values."""

import re

import omero
from omero.rtypes import rtime
from sqlalchemy import delete, insert

from omero_embedded import errors, tables
from omero_embedded.call import Call, writing
from omero_embedded.initial import CONFIGURATION
from omero_embedded.wire.registry import stateless
from omero_embedded.wire.sessions import now

READABLE = {*CONFIGURATION, "omero.router.insecure", "omero.upgrades.url"}
"""Keys that everybody may read; all others but the hidden ones only administrators may.

(Not omero.db.uuid: the real server means it to be read, but has it twice in its list, and so not at all.)
"""

HIDDEN = {
    f"omero.db.{name}" for name in ("dialect", "driver", "host", "name", "pass", "poolsize", "user")
} | {"omero.security.filter.bitand"}
"""Keys that nobody may read."""

ALIASES = {
    "c3p0.maxPoolSize": "omero.db.poolsize",
    "database.host": "omero.db.host",
    "database.name": "omero.db.name",
    "database.user": "omero.db.user",
    "hibernate.connection.driver_class": "omero.db.driver",
    "hibernate.connection.password": "omero.db.pass",
    "hibernate.connection.username": "omero.db.user",
    "hibernate.dialect": "omero.db.dialect",
    "ome.security.filter.bitand": "omero.security.filter.bitand",
    "ome.security.password_required": "omero.security.password_required",
}
"""Older names of keys. These three lists are those of ome/config.xml of OMERO.server."""


@stateless("omero.api.IConfig")
class ConfigService:
    """Configuration. Values set here are kept in the database."""

    def getVersion(self, call: Call) -> str:
        """Give the version of OMERO whose answers these are."""
        return call.server.configuration["omero.version"]

    def getServerTime(self, call: Call) -> "omero.RTime":
        """Give the time."""
        return rtime(now())

    def getDatabaseTime(self, call: Call) -> "omero.RTime":
        """Give the time."""
        return rtime(now())

    def getDatabaseUuid(self, call: Call) -> str:
        """Give what tells this database from all others."""
        return call.server.configuration["omero.db.uuid"]

    def getConfigValue(self, call: Call, key: str) -> str:
        """Give one value; empty where there is none."""
        key = ALIASES.get(key, key)
        if not _may_read(call, key):
            raise errors.security(f"Cannot read configuration: {key}")
        return call.server.configuration.get(key, "")

    def getConfigValues(self, call: Call, keyRegex: str) -> dict[str, str]:
        """Give the values whose keys match, of those that one may read."""
        try:
            pattern = re.compile(keyRegex)
        except re.error as error:
            raise errors.api_usage(f"Not a regular expression: {keyRegex}: {error}") from None
        values = call.server.configuration
        return {k: v for k, v in sorted(values.items()) if pattern.search(k) and _may_read(call, k)}

    def getConfigDefaults(self, call: Call) -> dict[str, str]:
        """Give the values that hold where none is set; administrators only."""
        call.require_admin()
        return dict(CONFIGURATION)

    def getClientConfigValues(self, call: Call) -> dict[str, str]:
        """Give the values meant for clients."""
        values = call.server.configuration
        return {k: v for k, v in sorted(values.items()) if k.startswith("omero.client.")}

    def getClientConfigDefaults(self, call: Call) -> dict[str, str]:
        """Give what the values meant for clients are unless set."""
        return {k: v for k, v in CONFIGURATION.items() if k.startswith("omero.client.")}

    @writing
    def setConfigValue(self, call: Call, key: str, value: str) -> None:
        """Set a value, or remove it (empty); administrators only."""
        call.require_admin()
        self._set(call, key, value)

    @writing
    def setConfigValueIfEquals(self, call: Call, key: str, value: str, test: str) -> bool:
        """Set a value where it is what the caller believes; administrators only."""
        call.require_admin()
        if call.server.configuration.get(key, "") != (test or ""):
            return False
        self._set(call, key, value)
        return True

    def _set(self, call: Call, key: str, value: str) -> None:
        rows, values = tables.configuration, call.server.configuration
        call.db.execute(delete(rows).where(rows.c.key == key))
        if value:
            call.db.execute(insert(rows).values(key=key, value=value))
            call.after_commit(lambda: values.update({key: value}))
        elif key in CONFIGURATION:
            call.after_commit(lambda: values.update({key: CONFIGURATION[key]}))
        else:
            call.after_commit(lambda: _forget(values, key))


def _may_read(call: Call, key: str) -> bool:
    return key in READABLE or (call.is_admin and key not in HIDDEN)


def _forget(values: dict[str, str], key: str) -> None:
    values.pop(key, None)
