"""Write the JSON Schemas that the documentation publishes, from the models they describe.

Run it after a change of a model: `python scripts/make_schemas.py`. Tests fail until then.
"""

import json
from collections.abc import Callable
from pathlib import Path

from pyomero_upload.metadata.user_file import json_schema as metadata_schema

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"

SCHEMAS: dict[str, Callable[[], dict[str, object]]] = {
    "metadata.schema.json": metadata_schema,
}


def main() -> None:
    """Write every schema."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, schema in SCHEMAS.items():
        text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
