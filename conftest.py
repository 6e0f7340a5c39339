"""What tests and notebooks under nbval write goes to a folder of its own, never into the tracked tree.

Here and not in tests/, because nbval's cells see no fixture: `pytest --nbval notebooks` needs it as much as `pytest`.
"""

import os
import shutil
import signal
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent
_FOLDERS = ("runs", "results", "figures")


def pytest_configure(config):
    """Points LCLSTUDY_RUNS, LCLSTUDY_RESULTS and LCLSTUDY_FIGURES to a temporary folder; frozen results are copied there."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell that starts the tests in the background has it ignored; processes that tests interrupt would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    variables = [f"LCLSTUDY_{name.upper()}" for name in _FOLDERS]
    saved = {name: os.environ.get(name) for name in variables}
    folder = tempfile.TemporaryDirectory(prefix="lclstudy-")
    if (ROOT / "data" / "results").is_dir():
        shutil.copytree(ROOT / "data" / "results", Path(folder.name) / "results")
    os.environ |= {variable: str(Path(folder.name) / name) for variable, name in zip(variables, _FOLDERS, strict=True)}

    def restore():
        folder.cleanup()
        for name, value in saved.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})

    config.add_cleanup(restore)
