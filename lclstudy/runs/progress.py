"""How far the runs of a grid are: a bar each on a terminal, a line that moves in JupyterLab, in a log a line now and then."""

import io
import os
import sys
import threading
import time
from collections.abc import Callable

from tqdm import tqdm

from lclstudy.plan.spec import RunSpec

TELL_SECONDS, FIRST_LINE_SECONDS, LINE_SECONDS = 0.5, 5, 30
_MOST_ON_A_LINE = 3
_LINE = "{desc}: {n_fmt}/{total_fmt} {unit}s, {remaining} left{postfix}"


def lock_bars() -> None:
    """Gives tqdm a lock without a semaphore: its own is leaked by a process that is killed."""
    tqdm.set_lock(threading.RLock())


class Board:
    """The bar of `total` runs, `done` of them there already, and below it one per running run."""

    def __init__(self, total: int, done: int):
        lock_bars()
        self._lines = not sys.stderr.isatty()
        self._how = {"mininterval": 0, "miniters": 1}  # who tells does so seldom enough
        if self._lines:  # the bars are kept, because they know what to say, but drawn nowhere
            self._how |= {"file": open(os.devnull, "w"), "bar_format": _LINE}  # noqa: SIM115
        # By the mean of all runs: the last ones may be of another size.
        self._runs = tqdm(total=total, initial=done, desc="Runs", unit="run", smoothing=0, **self._how)
        self._running: dict[RunSpec, tqdm] = {}
        # A server of Jupyter names the session to its kernels: somebody looks on, and the line is written over.
        self._end, self._every = ("\r", TELL_SECONDS) if "JPY_SESSION_NAME" in os.environ else ("\n", LINE_SECONDS)
        self._width = 0
        self._next_line = time.monotonic() + min(FIRST_LINE_SECONDS, self._every)

    def tell(self, spec: RunSpec, step: int, total: int, said: str) -> None:
        """That a run is at `step` of `total`; `said` is the rest: its epoch and loss."""
        if spec not in self._running:
            self._running[spec] = tqdm(
                total=total, initial=max(step - 1, 0), desc=spec.label(), unit="step", leave=False, **self._how
            )
        bar = self._running[spec]
        bar.set_postfix_str(said, refresh=False)
        bar.update(step - bar.n)
        self._line()

    def finish(self, spec: RunSpec, said: str, done: int) -> None:
        """That a run has ended, and how; with it `done` runs are finished, some of them by other commands."""
        if spec in self._running:
            self._running.pop(spec).close()
        self._runs.set_postfix_str(f"{spec.label()}: {said}", refresh=False)
        self.count(done)
        self._line()

    def count(self, done: int) -> None:
        """That `done` runs are finished, some of them by other commands."""
        self._runs.update(done - self._runs.n)

    def close(self) -> None:
        if self._lines and (self._width or self._runs.n > self._runs.initial):
            self._line(last=True)
        for bar in [*self._running.values(), self._runs]:
            bar.close()

    def _line(self, last: bool = False) -> None:
        if self._lines and (last or time.monotonic() >= self._next_line):
            self._next_line = time.monotonic() + self._every
            running = list(self._running.values())[:_MOST_ON_A_LINE]
            line = "; ".join(map(str, [self._runs, *running]))
            self._width = max(self._width, len(line))
            print(line.ljust(self._width), end="\n" if last else self._end, file=sys.stderr, flush=True)


class Teller(tqdm):
    """What `training.train` takes in place of a bar: draws nothing, but calls `tell(step, total, said)` now and then."""

    def __init__(self, tell: Callable[[int, int, str], None], total: int, initial: int = 0, **_):
        self._tell = tell
        super().__init__(total=total, initial=initial, mininterval=TELL_SECONDS, miniters=1, file=io.StringIO())

    def display(self, *_, **__) -> None:
        self._tell(self.n, self.total, (self.postfix or "").replace("=", " "))
