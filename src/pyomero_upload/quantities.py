"""How much of something is said to people, in the unit that suits it.

Below everything that shows sizes: the terminal and pages.
"""


def human_bytes(count: float) -> str:
    """Say a number of bytes in the unit that suits it (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
