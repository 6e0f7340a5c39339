"""For developers: makes the tracked notebooks and figures anew."""

import os
import re
import shutil
import time
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from lclstudy import paths

from . import execute

_BAR = re.compile(r"\r[^\r\n]*|\x1b\[A|^Runs: .*$", re.MULTILINE)  # progress, as tqdm draws it or `progress` writes it
_KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def refresh(folder: Path, only: str = "") -> None:
    """Makes each `NN_name.ipynb` anew from its `NN_name.py`, executed with its default parameters, and the
    tracked figures. What a person's own runs made is not looked at.

    What differs from one execution to the next (times, versions, progress bars) is left out of the file.
    Raises StudyError on an unknown name, NotebookFailed if one fails; its old file then stays as it was.
    """
    import jupytext
    import nbformat

    wanted = execute.choose([path.stem for path in sorted(folder.glob("[0-9][0-9]_*.py"))], only or None)
    build, screen = paths.build("refresh"), execute.Screen()
    shutil.rmtree(build, ignore_errors=True)
    own = {"BUILD": build, "RUNS": build / "runs", "FIGURES": folder.parent / "figures"}
    os.environ |= {f"LCLSTUDY_{name}": str(place) for name, place in own.items()}
    with chdir(folder), TemporaryDirectory(prefix="lclstudy-") as sockets:
        for number, name in enumerate(wanted, 1):
            screen.say(f"[{number}/{len(wanted)}] {name} ...")
            source, started = jupytext.read(f"{name}.py"), time.time()
            source.metadata = nbformat.from_dict({"kernelspec": _KERNEL, "language_info": {"name": "python"}})
            execute.execute(source, build / f"{name}.ipynb", {}, sockets, screen)
            nbformat.write(_steady(nbformat.read(build / f"{name}.ipynb", as_version=4)), f"{name}.ipynb")
            screen.say(f"[{number}/{len(wanted)}] {name} ... {time.time() - started:.0f} s")


def _steady(executed):
    """An executed notebook without what changes by itself."""
    from nbval.plugin import coalesce_streams

    executed.metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(executed.cells, 1):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {name: value for name, value in cell.metadata.items() if name == "tags" and value}
        if cell.cell_type == "code":
            complaints = "".join(out.text for out in cell.outputs if out.get("name") == "stderr")
            only_bars = not _BAR.sub("", complaints).strip()
            cell.outputs = coalesce_streams([o for o in cell.outputs if not (only_bars and o.get("name") == "stderr")])
    return executed
