"""What must change in Ice's sources for today's Pythons and compilers, and nothing else.

Third step of a build: archive → unpacked tree → *edited tree* → compiled wheel. Every edit names
its file, the exact text and why. An edit whose text is not there, or is there too often, stops
the build: the archive is then not the one that these edits were written for.
"""

from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError


@dataclass(frozen=True)
class Edit:
    """One replacement of one piece of text in one file.

    Attributes
    ----------
    file
        Path inside the archive, with forward slashes.
    old, new
        The exact text, and what takes its place.
    why
        The reason, for people who read the error message.
    times
        How often the text occurs.
    """

    file: str
    old: str
    new: str
    why: str
    times: int = 1


# Python 3.13 dropped two old calls that Ice makes at five places. This is their documented
# meaning in terms of the calls that stay. The buffer is released before it is read, as the old
# call did: the caller holds both the object and the GIL while it reads.
_OLD_CALLS = """#include <Python.h>

#if PY_VERSION_HEX >= 0x030D0000
inline PyObject* PyEval_CallObject(PyObject* callable, PyObject* args)
{
    return PyObject_CallObject(callable, args);
}

inline int PyObject_AsReadBuffer(PyObject* object, const void** start, Py_ssize_t* length)
{
    Py_buffer view;
    if(PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0)
    {
        return -1;
    }
    *start = view.buf;
    *length = view.len;
    PyBuffer_Release(&view);
    return 0;
}
#endif
"""

EDITS = (
    Edit(
        "src/Slice.cpp",
        "#include <eval.h>\n",
        "",
        "Python 3.11 removed eval.h; Python.h declares PyEval_EvalCode",
    ),
    Edit(
        "src/Util.cpp",
        "PyThreadState_GET()->frame;",
        "PyEval_GetFrame();",
        "Python 3.11 made the members of PyThreadState private",
    ),
    Edit(
        "src/Config.h",
        "#include <Python.h>\n",
        _OLD_CALLS,
        "Python 3.13 removed PyEval_CallObject and PyObject_AsReadBuffer",
    ),
    Edit(
        "lib/Ice.py",
        "import sys, string, imp, os,",
        "import sys, string, types, os,",
        "Python 3.12 removed the module imp",
    ),
    Edit(
        "lib/Ice.py",
        "imp.new_module(curr)",
        "types.ModuleType(curr)",
        "Python 3.12 removed the module imp",
    ),
    Edit(
        "lib/Ice_Current_ice.py",
        '\\["cpp:const"]',
        '["cpp:const"]',
        "Python 3.12 warns of this escape in a docstring",
    ),
    Edit(
        "lib/Ice_Properties_ice.py",
        "application-name\\[.category\\[.sub-category]].",
        "application-name[.category[.sub-category]].",
        "Python 3.12 warns of these escapes in a docstring",
    ),
    Edit(
        "lib/Ice_Properties_ice.py",
        "with \\, e.g.",
        "with \\\\, e.g.",
        "Python 3.12 warns of this escape in two docstrings",
        times=2,
    ),
    Edit(
        "setup.py",
        "from distutils.extension import Extension\n",
        "from setuptools import Extension\nfrom zeroc_ice_build.compile import BuildOnAllCores\n",
        "Python 3.12 removed distutils",
    ),
    Edit(
        "setup.py",
        "from distutils.sysconfig import get_config_vars",
        "from sysconfig import get_config_vars",
        "Python 3.12 removed distutils",
    ),
    Edit(
        "setup.py",
        "    ext_modules=[\n",
        "    cmdclass={'build_ext': BuildOnAllCores},\n    ext_modules=[\n",
        "the extension's files are compiled one after the other otherwise",
    ),
    Edit(
        "setup.py",
        "platform is not 'freebsd'",
        "platform != 'freebsd'",
        "Python warns of a comparison with a literal",
    ),
    Edit(
        "setup.py",
        "'-arch x86_64'",
        "'-arch ' + os.uname().machine",
        "today's Macs are not all x86_64",
    ),
    Edit(
        "setup.py",
        "libraries=['iconv']",
        "libraries=['iconv', 'bz2']",
        "Ice calls libbz2 on macOS too and leaves finding it to chance",
    ),
    Edit(
        "setup.py",
        "    license='GPL v2 with exceptions',\n",
        "    license='GPL v2 with exceptions',\n"
        "    license_files=['*LICENSE'],\n"
        "    python_requires='>=3.10,<3.14',\n",
        "the wheel carries all four licences, and says which Pythons this was tried with",
    ),
    Edit(
        "setup.py",
        "        'License :: OSI Approved :: GNU General Public License v2 (GPLv2)',\n",
        "",
        "setuptools gives up classifiers for licences; the field above says the same",
    ),
)


def apply(tree: Path) -> None:
    """Make all edits in an unpacked archive.

    Parameters
    ----------
    tree
        The folder that holds the archive's `setup.py`.

    Raises
    ------
    BuildError
        A text to be replaced is not in its file as often as it should be.
    """
    for edit in EDITS:
        path = tree / edit.file
        # newline="" keeps line ends as they are, also on Windows
        with path.open(encoding="utf-8", newline="") as stream:
            text = stream.read()
        found = text.count(edit.old)
        if found != edit.times:
            raise BuildError(
                f"{edit.file} of the zeroc-ice archive was to be changed ({edit.why}), but "
                f"{edit.old.strip()!r} is in it {found} times, not {edit.times}. "
                "This is not the archive that the edits in packages/zeroc-ice were written for."
            )
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text.replace(edit.old, edit.new))
