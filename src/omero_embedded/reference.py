"""Every service and operation and what it does here, as a page of the documentation, made from the code."""

import inspect
from collections.abc import Iterator

import omero.model  # noqa: F401  # before what leaves it half-made

from omero_embedded.wire import interfaces, registry
from omero_embedded.wire.dispatch import COMMON

HEAD = """# Operations of the embedded server

Made from the code. Operations that are marked with – are refused with an exception that names service and operation;
nothing is left unanswered. Clients get the services of the first group once for all, those of the second each for
themselves.
"""


def operations_page() -> str:
    """Return the page, in Markdown."""
    registry.load()
    parts = [HEAD]
    for title, services in (
        ("Stateless services", registry.STATELESS),
        ("Stateful services", registry.STATEFUL),
    ):
        parts.append(f"\n## {title}\n")
        for interface in sorted(services):
            parts.extend(_service(interface, services[interface]))
    parts.append("\n## Commands\n\n| request | what it does |\n|---|---|\n")
    parts.extend(
        f"| `{request}` | {_summary(registry.COMMANDS[request])} |\n"
        for request in sorted(registry.COMMANDS)
    )
    return "".join(parts)


def _service(interface: str, service: type) -> Iterator[str]:
    yield f"\n### {interface}\n\n{_summary(service)}\n\n| operation | what it does here |\n|---|---|\n"
    for name, operation in sorted(interfaces.operations(interface).items()):
        common = COMMON.get(name) if interface in registry.STATEFUL else None
        method = getattr(service, operation.method, common)
        yield f"| `{name}` | {'–' if method is None else _summary(method)} |\n"


def _summary(documented: object) -> str:
    """Return the first paragraph of a docstring on one line, safe inside a table."""
    text = inspect.getdoc(documented) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")
