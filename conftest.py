"""What tests and notebooks under nbval write goes to a folder of its own, never into the tracked tree or a person's `build/`.

Here and not in tests/, because nbval's cells see no fixture: `pytest --nbval notebooks` needs it as much as `pytest`.
"""

import os
import signal
import tempfile


def pytest_configure(config):
    """Points LCLSTUDY_RUNS and LCLSTUDY_BUILD to a temporary folder, one for all worker processes of pytest-xdist."""
    # A shell that starts the tests in the background has the first ignored; processes that tests interrupt would inherit that.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if hasattr(config, "workerinput"):  # of pytest-xdist: the environment is that of the process which started it
        return
    folder = tempfile.TemporaryDirectory(prefix="lclstudy-")
    made = {f"LCLSTUDY_{name}": f"{folder.name}/{name.lower()}" for name in ("RUNS", "BUILD")}
    saved = {name: os.environ.pop(name, None) for name in (*made, "LCLSTUDY_FIGURES", "LCLSTUDY_RESULTS")}
    os.environ |= made

    def restore():
        folder.cleanup()
        for name, value in saved.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})

    config.add_cleanup(restore)


# At the end one worker would run them alone.
SLOW = ("test_kills.py", "test_jupyterlab.py", "test_ray.py", "05_run.ipynb", "04_train_one.ipynb", "test_grid.py")


def pytest_collection_modifyitems(items):
    """Files that take long first."""
    items.sort(key=lambda item: SLOW.index(item.path.name) if item.path.name in SLOW else len(SLOW))
