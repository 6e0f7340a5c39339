"""What a run leaves behind: the `Record`. NumPy only, so that what analyses can read one without torch."""

from dataclasses import dataclass, field

import numpy as np

from .config import RunSpec

SPLITS = ("validation", "test")  # those that a record holds probabilities and labels of


@dataclass
class Record:
    """The result of one run.

    `epochs` has a dict per epoch: `epoch` (from 1), `loss` and its parts (mean over steps, `loss_ce`, `loss_weighting`,
    `loss_contrastive` where the objective has them), `train_accuracy` (0 to 1, on the batches as they were trained),
    `validation_accuracy` (0 to 1), `seconds`, and `stage` (from 1) where a run has more than one: each has all epochs of the
    spec, numbered on (of a bag of words an epoch is one fit, with its `C`). `best_epoch` is the first with the best validation
    accuracy in the last stage; the probabilities are the primary network's at that epoch, float32 [N, C], rows in the order of
    the split; labels are int64 [N].
    `measures`: seconds (whole run), train_seconds, texts_per_second, peak_memory_bytes, steps, parameters.
    `notes`: counts worth telling (texts truncated, texts dropped). `status` is `done` or `failed`; a failed record has a
    one-line `failure`, the end of its `traceback`, and arrays of no rows.
    """

    spec: RunSpec
    classes: tuple[str, ...]
    status: str = "done"
    failure: str = ""
    traceback: str = ""
    epochs: list[dict] = field(default_factory=list)
    best_epoch: int = 0
    validation_probabilities: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    validation_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    test_probabilities: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    test_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    measures: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    device: str = ""
    executor: str = ""
