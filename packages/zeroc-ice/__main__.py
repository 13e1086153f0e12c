"""`python packages/zeroc-ice [FOLDER]`: build the wheel for this Python, with whichever tool is here.

The same as `pip wheel --no-deps packages/zeroc-ice`, for people who have pip, uv or both.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Build the wheel into a folder and return the tool's exit code."""
    parser = argparse.ArgumentParser(
        prog="python packages/zeroc-ice",
        description="Build the zeroc-ice 3.6.5 wheel for the Python that runs this.",
    )
    parser.add_argument("folder", nargs="?", default=".", help="where the wheel goes (default: .)")
    folder = str(Path(parser.parse_args().folder).resolve())
    here = str(Path(__file__).resolve().parent)
    uv = shutil.which("uv")
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, here]
    elif uv:
        command = [uv, "build", "--wheel", "--python", sys.executable, "--out-dir", folder, here]
    else:
        sys.exit("This Python has no pip, and uv is not on the PATH: install one of them first.")
    return subprocess.run(command, check=False).returncode  # noqa: S603 (our own text)


if __name__ == "__main__":
    sys.exit(main())
