"""Who trains which run: each is claimed before it is trained, so that commands that share a store share the work."""

import contextlib
import fcntl
import logging
import os
import shutil
import socket
import threading
import time

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan.spec import RunSpec
from lclstudy.results.records import Record

from .store import RunStore

log = logging.getLogger("lclstudy")

WAIT_SECONDS = 1  # between looks at what other commands train
# A living owner touches its claims this often; one of another host that is older than the second number is dead.
TOUCH_SECONDS, DEAD_SECONDS = 30, 600
FREE_BYTES = 100 * 2**20  # records are small, but a full disk costs what was trained
HOST = socket.gethostname().encode()


class Queue:
    """The runs of `specs`, each handed out once, when it is claimed and `store` still lacks it.

    A claim is the file `<identity>.claim` beside the records. Its owner holds a lock on it, which ends with the process however
    that dies, and writes its host there: on another one, where the lock may not be seen, the file's age tells.

    Raises StudyError if the store's folder cannot be written, or its disk is full.
    """

    def __init__(self, store: RunStore, specs: list[RunSpec], retrain: bool = False):
        self._store, self._retrain, self._said = store, retrain, False
        self._identities = {spec: spec.identity() for spec in specs}  # now, because a file of one's own may change
        self._waiting = list(self._identities)
        self._held = {}  # identity -> the open claim file
        self._ended = threading.Event()
        if not specs:
            return
        where = f"{paths.relative(store.path)}: make room there, or point LCLSTUDY_RUNS to another folder."
        try:
            store.path.mkdir(parents=True, exist_ok=True)
            for name in ["disk", *(path.stem for path in store.path.glob("*.claim"))]:  # can be written; and what the dead left
                if self._claim(name):
                    self._release(name)
        except OSError as error:
            raise StudyError(f"Records cannot be written ({error.strerror}) in {where}") from error
        if shutil.disk_usage(store.path).free < FREE_BYTES:
            raise StudyError(f"Fewer than {FREE_BYTES >> 20} MB are free in {where}")
        threading.Thread(target=self._touch, daemon=True).start()

    def take(self, wait: bool = True) -> RunSpec | None:
        """The next run, now ours; None if there is none, or, unless it is to `wait`, if others train all that is left."""
        while True:
            for spec in list(self._waiting):
                identity = self._identities[spec]
                if not self._claim(identity):
                    continue
                self._waiting.remove(spec)
                if self._store.missing([spec], self._retrain):
                    return spec
                self._release(identity)  # another command has trained it
            if not (wait and self._waiting):
                return None
            if not self._said:
                log.warning("Another command trains the last %d runs: waiting for it.", len(self._waiting))
            self._said = True
            time.sleep(WAIT_SECONDS)

    def left(self) -> int:
        """How many runs are not finished, as far as we have seen."""
        return len(self._waiting) + len(self._held)

    def finish(self, record: Record) -> None:
        """Saves the record of a run that was taken, and gives its claim back. Raises as `RunStore.save` does."""
        self._store.save(record)
        self._release(self._identities[record.spec])

    def close(self) -> None:
        """Gives back every claim."""
        self._ended.set()
        for identity in list(self._held):
            self._release(identity)

    def _claim(self, identity: str) -> bool:
        path = self._store.path / f"{identity}.claim"
        try:
            file, is_new = path.open("x+b"), True
        except FileExistsError:
            try:
                file, is_new = path.open("r+b"), False
            except FileNotFoundError:
                return False  # given back at this moment
        locked = True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if is_new else fcntl.LOCK_NB))
        except BlockingIOError:
            file.close()
            return False
        except OSError:  # a file system without locks, as on some clusters: age alone tells
            locked = False
        if not is_new and not _is_dead(file, locked):
            file.close()
            return False
        file.seek(0)
        file.truncate()
        file.write(HOST)
        file.flush()
        self._held[identity] = file
        return True

    def _release(self, identity: str) -> None:
        (self._store.path / f"{identity}.claim").unlink(missing_ok=True)
        self._held.pop(identity).close()

    def _touch(self) -> None:
        while not self._ended.wait(TOUCH_SECONDS):
            for file in list(self._held.values()):
                with contextlib.suppress(OSError, ValueError):  # given back at this moment
                    os.utime(file.fileno())


def _is_dead(file, locked: bool) -> bool:
    found = os.fstat(file.fileno())
    if not found.st_nlink:
        return False  # given back at this moment
    return (locked and file.read() == HOST) or time.time() - found.st_mtime > DEAD_SECONDS
