"""Who trains which run: each is claimed before it is trained, so that commands that share a store share the work."""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Collection

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan.spec import RunSpec
from lclstudy.results.records import Record
from lclstudy.training.checkpoint import forget

from .executors import failure
from .store import RunStore

log = logging.getLogger("lclstudy")

WAIT_SECONDS = 1  # between looks at what other commands train
FREE_BYTES = 100 * 2**20  # records are small (states may do without), but a full disk costs what was trained


class Queue:
    """The runs of `specs`, each handed out once, when it is claimed and `store` still lacks it.

    A claim is a lock on the file `<identity>.claim` beside the records: it ends with its process, however that dies.

    Raises StudyError if the store's folder cannot be written, or its disk is full.
    """

    def __init__(self, store: RunStore, specs: list[RunSpec], retrain: bool | Collection[int] = False):
        self._store, self._retrain, self._said = store, retrain, False
        self._identities = {spec: spec.identity() for spec in specs}  # now, because a file of one's own may change
        self._waiting = list(self._identities)
        self._held = {}  # identity -> the open claim file
        self.lost: list[Record] = []  # to be finished as well: runs whose file changed before they were begun
        if not specs:
            return
        for name in ["disk", *(path.stem for path in store.path.glob("*.claim"))]:  # can be written; and what the dead left
            if self._claim(name):
                self._release(name)
        if shutil.disk_usage(store.path).free < FREE_BYTES:
            raise self._refused(f"Fewer than {FREE_BYTES >> 20} MB are free")

    def take(self, wait: bool = True) -> RunSpec | None:
        """The next run, now ours; None if there is none, or, unless it is to `wait`, if others train all that is left."""
        while True:
            for spec in list(self._waiting):
                identity = self._identities[spec]
                if not self._claim(identity):
                    continue
                self._waiting.remove(spec)
                if not self._unchanged(spec):
                    self.lost.append(Record(spec, (), status="failed"))
                    continue
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
        """How many runs are not finished, here or by other commands."""
        return len(self._held) + sum(not self._store.done(self._identities[spec]) for spec in self._waiting)

    def finish(self, record: Record) -> Record:
        """Saves the record of a run that was taken, gives its claim back, and returns it. Raises as `RunStore.save` does.

        If its file was edited or removed since the start, it is not saved, and what is returned has failed.
        """
        identity, kept = self._identities[record.spec], self._unchanged(record.spec)
        if kept:
            self._store.save(record)
        else:
            record = failure(record.spec, record.executor, "its file changed since the start; not kept")
        if record.status == "done" or not kept:
            forget(self._store.path / identity)
        self._release(identity)
        return record

    def _unchanged(self, spec: RunSpec) -> bool:
        try:
            return spec.identity() == self._identities[spec]
        except StudyError:  # the file is gone
            return False

    def close(self) -> None:
        """Gives back every claim."""
        for identity in list(self._held):
            self._release(identity)

    def _claim(self, identity: str) -> bool:
        try:
            self._store.path.mkdir(parents=True, exist_ok=True)
            file = self._path(identity).open("ab")
        except OSError as error:
            raise self._refused(f"Records cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.fstat(file.fileno()).st_nlink > 0  # else it was given back at this moment
        except BlockingIOError:
            ours = False
        except OSError:  # a file system without locks: at worst a run is trained twice
            ours = True
        if ours:
            self._held[identity] = file
        else:
            file.close()
        return ours

    def _refused(self, why: str) -> StudyError:
        where = paths.relative(self._store.path)
        return StudyError(f"{why} in {where}: make room there, or point LCLSTUDY_RUNS to another folder.")

    def _release(self, identity: str) -> None:
        self._path(identity).unlink(missing_ok=True)
        self._held.pop(identity).close()

    def _path(self, identity: str):
        return self._store.path / f"{identity}.claim"
