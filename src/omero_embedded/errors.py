"""The exceptions that the server raises at its clients: omero.* classes with the names that the Java server gives.

Each function makes one; the caller raises it. `message` is what a person reads.
"""

import omero

ILLEGAL_ARGUMENT = "java.lang.IllegalArgumentException"


def _make(cls: type[Exception], message: str, java: str | None = None) -> Exception:
    """Make an omero.ServerError of the class; `java` is its name on the server."""
    return cls(None, java or f"ome.conditions.{cls.__name__}", message)


def api_usage(message: str) -> Exception:
    """Say that the call is wrong in itself: bad parameters, a wrong state of the service."""
    return _make(omero.ApiUsageException, message)


def not_unique(query: str) -> Exception:
    """Say that a query for one object found several."""
    return api_usage(
        f"Query named:\n\t{query}\nhas returned more than one Object\nfindBy methods must return a single value"
    )


def validation(message: str) -> Exception:
    """Say that the data are wrong: a missing or duplicate value, an id that does not exist."""
    return _make(omero.ValidationException, message)


def query(message: str) -> Exception:
    """Say that a query cannot be understood."""
    return _make(omero.QueryException, message, "ome.services.query.QueryException")


def security(message: str) -> Exception:
    """Say that the user may not do this."""
    return _make(omero.SecurityViolation, message)


def group_security(message: str) -> Exception:
    """Say that the group's permissions forbid this."""
    return _make(omero.GroupSecurityViolation, message)


def permission_mismatch(message: str) -> Exception:
    """Say that permissions were asked for that the group does not give."""
    return _make(omero.PermissionMismatchGroupSecurityViolation, message)


def read_only_group(message: str) -> Exception:
    """Say that nothing may be linked in a private group by someone who only reads there."""
    return _make(omero.ReadOnlyGroupSecurityViolation, message)


def optimistic_lock(message: str) -> Exception:
    """Say that the object was changed by someone else since it was read."""
    return _make(omero.OptimisticLockException, message)


def resource(message: str) -> Exception:
    """Say that a file or a buffer is not as it should be."""
    return _make(omero.ResourceError, message)


def internal(message: str) -> Exception:
    """Say that the server failed."""
    return _make(omero.InternalException, message)


def wrapped(error: BaseException) -> Exception:
    """Make an InternalException of an exception that nobody foresaw.

    It is named as Java names it where the class of the error says so (`java`). What Java calls an
    IllegalArgumentException is the caller's fault, so it becomes an ApiUsageException, as on the real server
    (ome.services.util.ServiceHandler).
    """
    name = getattr(error, "java", None)
    if name is None and isinstance(error, IndexError):
        name = "java.lang.IndexOutOfBoundsException"
    if name == ILLEGAL_ARGUMENT:
        return api_usage(str(error))
    return of_java(name or type(error).__name__, str(error))


def empty_list(query: str) -> Exception:
    """Say that a query of the server's own was given no ids; `query` is HQL with `in ()`, classes by their Java names."""
    trouble = f"unexpected end of subtree [{query}]"
    return api_usage(
        f"{trouble}; nested exception is org.hibernate.hql.ast.QuerySyntaxException: {trouble}"
    )


def of_java(name: str, message: str) -> Exception:
    """Say that the server failed, with the name of the Java exception that the real one fails with."""
    return internal(f"Wrapped Exception: ({name}):\n{message}")


def unsupported(message: str = "null") -> Exception:
    """Say that there is no such way of doing it."""
    return of_java("java.lang.UnsupportedOperationException", message)


def null_pointer() -> Exception:
    """Say that something was used that is not there: a null argument, or a state that was not set yet."""
    return of_java("java.lang.NullPointerException", "null")


def array_index(index: int, length: int) -> Exception:
    """Say that an index lies outside what Java keeps in an array."""
    return of_java(
        "java.lang.ArrayIndexOutOfBoundsException",
        f"Index {index} out of bounds for length {length}",
    )


def removed_session(message: str) -> Exception:
    """Say that the session is over."""
    return _make(omero.RemovedSessionException, message)


def authentication(message: str) -> Exception:
    """Say that there is nobody to log in."""
    made: Exception = omero.AuthenticationException(message)
    return made


def lock_timeout(message: str, seconds: int) -> Exception:
    """Say that something is not ready yet and when to ask again."""
    made: Exception = omero.LockTimeout(None, "ome.conditions.LockTimeout", message, 0, seconds)
    return made


def checksum(message: str, failing: dict[int, str]) -> Exception:
    """Say which uploaded files did not arrive whole: index of the file and the checksum found."""
    made: Exception = omero.ChecksumValidationException(
        None, "ome.conditions.ChecksumValidationException", message, failing
    )
    return made


def missing_row(cls: str, identifier: int) -> Exception:
    """Say that there is no object of the class (its Java name) with the id."""
    return validation(
        f"No row with the given identifier exists: [{cls}#{identifier}]; nested exception is "
        f"org.hibernate.ObjectNotFoundException: No row with the given identifier exists: [{cls}#{identifier}]"
    )
