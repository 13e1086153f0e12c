"""The services: importing this package registers all that the server offers (see `wire.registry`)."""

from omero_embedded.services import admin, config, query, session, types, update

__all__ = ["admin", "config", "query", "session", "types", "update"]
