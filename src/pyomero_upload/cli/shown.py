"""How `pyomero show` looks: a tree of what is known of an object. All text of the server's is made printable.

Beside `show`, which asks for the document that is drawn here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from pyomero_upload.cli.terminal import MOST_ROWS, count, printable
from pyomero_upload.quantities import human_bytes


def tree_of(found: Mapping[str, Any], *, verbose: bool = False) -> Tree:
    """Return the tree of one document of `targets.omero.showing`; all Images and what is said of each when `verbose`."""
    tree = Tree(_title(found))
    tree.add(
        Text.assemble("owner ", printable(found["owner"]), ", group ", printable(found["group"]))
    )
    tree.add(printable(found["url"]))
    if found["description"]:
        tree.add(_lines(found["description"], verbose=verbose))
    if "sizes" in found:
        _add_image(tree, found)
    _add_said(tree, found)
    if "images" in found:
        _add_images(tree, found["images"], verbose=verbose)
        if found["problems"]:
            _add_all(tree, "cannot be read", found["problems"])
    if "datasets" in found:
        branch = tree.add(count(len(found["datasets"]), "Dataset"))
        for dataset in found["datasets"]:
            title = _title(dataset)
            tags = f"  [{', '.join(dataset['tags'])}]" if dataset["tags"] else ""
            title.append(f"  {count(dataset['images'], 'image')}")
            title.append(printable(tags))
            branch.add(title)
    return tree


def _title(found: Mapping[str, Any]) -> Text:
    title = Text(found["object"], style="bold")
    return title.append("  ").append(printable(found["name"]))


def _lines(text: str, *, verbose: bool) -> Text:
    lines = text.strip().splitlines() or [""]
    shown = lines if verbose else lines[:1]
    more = "" if len(shown) == len(lines) else " …"
    return Text("\n").join(printable(line) for line in shown).append(more)


def _add_image(tree: Tree, image: Mapping[str, Any]) -> None:
    size = image["physical_size_um"]
    facts = [
        ("size", _sizes(image)),
        ("taken", image["acquired"]),
        (
            "pixel",
            " × ".join(f"{size[a]:g}" if size[a] is not None else "?" for a in "xyz")
            + " µm (x, y, z)",
        )
        if any(size[a] is not None for a in "xyz")
        else ("pixel", None),
        (
            "time step",
            None if image["time_increment_s"] is None else f"{image['time_increment_s']:g} s",
        ),
        ("SHA-1", image["sha1"] or "none: it is not complete"),
    ]
    for label, text in facts:
        if text:
            tree.add(f"{label}: {text}")
    branch = tree.add(count(len(image["channels"]), "channel"))
    for channel in image["channels"]:
        branch.add(_channel(channel, whole=True))


def _sizes(image: Mapping[str, Any]) -> str:
    sizes = image["sizes"]
    return (
        f"t {sizes['t']}, c {sizes['c']}, z {sizes['z']}, {sizes['y']} × {sizes['x']} (y × x), "
        f"{image['dtype']}"
    )


def _channel(channel: Mapping[str, Any], *, whole: bool = False) -> Text:
    text = Text("■ ", style=channel["color"] or "white")
    text.append(printable(channel["name"]).plain, style="default")
    if whole:
        for label, key, unit in (
            ("exposure", "exposure_ms", "ms"),
            ("excitation", "excitation_nm", "nm"),
            ("emission", "emission_nm", "nm"),
            ("gain", "em_gain", ""),
        ):
            if channel[key] is not None:
                text.append(f", {label} {channel[key]:g} {unit}".rstrip(), style="default")
    return text


def _add_images(tree: Tree, images: Sequence[Mapping[str, Any]], *, verbose: bool) -> None:
    branch = tree.add(count(len(images), "Image"))
    shown = images if verbose else images[:MOST_ROWS]
    if verbose:
        for image in shown:
            below = branch.add(_title(image))
            _add_image(below, image)
            _add_said(below, image)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("image", "name"):
        table.add_column(title)
    for title in ("t", "c", "z", "y × x"):
        table.add_column(title, justify="right")
    for title in ("type", "channels", "tags"):
        table.add_column(title)
    for image in shown:
        sizes = image["sizes"]
        table.add_row(
            image["object"] + ("" if image["complete"] else " (not complete)"),
            printable(image["name"]),
            *(str(sizes[axis]) for axis in "tcz"),
            f"{sizes['y']} × {sizes['x']}",
            image["dtype"],
            Text(" ").join(_channel(channel) for channel in image["channels"]),
            printable(", ".join(image["tags"])),
        )
    if len(shown) < len(images):
        table.add_row(f"… and {len(images) - len(shown)} more (--verbose lists all)")
    if images:
        branch.add(table)


def _add_said(tree: Tree, said: Mapping[str, Any]) -> None:
    """Add all annotations, those of which there are some."""
    if said["tags"]:
        tree.add(Text("tags: ").append(printable(", ".join(said["tags"]))))
    groups = [("key-values", said["key_values"]), ("provenance", said["provenance"])]
    groups += [
        (f"key-values under {other['namespace']}", other["pairs"])
        for other in said["other_key_values"]
    ]
    for title, pairs in groups:
        if pairs:
            _add_all(tree, title, (f"{key}: {value}" for key, value in pairs))
    for table in said["tables"]:
        branch = tree.add(Text("table ").append(printable(table["name"])))
        if "head" in table:
            branch.add(_head(table))
        elif "problem" in table:
            branch.add(printable(table["problem"]))
    if said["attachments"]:
        _add_all(
            tree,
            "attachments",
            (f"{file['name']}  ({human_bytes(file['bytes'])})" for file in said["attachments"]),
        )
    if said["remarks"]:
        _add_all(
            tree,
            "remarks",
            (
                f"{remark['kind'].removesuffix('Annotation')}: {remark['value']}"
                for remark in said["remarks"]
            ),
        )


def _add_all(tree: Tree, title: str, lines: Iterable[str]) -> None:
    branch = tree.add(printable(title))
    for line in lines:
        branch.add(printable(line))


def _head(table: Mapping[str, Any]) -> RenderableType:
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in table["columns"]:
        shown.add_column(printable(name))
    for row in table["head"]:
        shown.add_row(*(printable("" if cell is None else str(cell)) for cell in row))
    return shown
