"""The store: a record is whole or not there, whatever happens."""

import numpy as np
import pytest

from lclstudy.plan import catalog
from lclstudy.results import records
from lclstudy.runs.store import RunStore
from tests.material import failed_record, files_in, full_disk, record_of, refused, saved, spec_of

pytestmark = pytest.mark.usefixtures("own_folders")


def file_of(runs, spec):
    return runs.path / f"{spec.identity()}.npz"


def test_a_record_comes_back_as_it_was_saved(runs):
    labels = tuple(catalog.corpora()["embedded"].labels[:2])
    for record in (record_of(spec_of()), record_of(spec_of(classes=labels), classes=labels)):
        runs.save(record)
        np.testing.assert_equal(records.apart(runs.load(record.spec)), records.apart(record))
    assert runs.frame()["classes"].tolist() == ["", "|".join(labels)]


def test_only_a_finished_record_counts(runs):
    finished, failed, absent = (spec_of(seed=seed) for seed in range(3))
    runs.save(record_of(finished))
    runs.save(failed_record(failed))
    assert [runs.has(spec) for spec in (finished, failed, absent)] == [True, False, False]
    assert runs.missing([absent, finished, failed, absent]) == [absent, failed]
    assert runs.load(failed).failure.startswith("NonFiniteLoss")
    runs.save(record_of(failed))
    runs.save(failed_record(failed))
    assert runs.load(failed).status == "done", "a failed record never takes the place of a finished one"
    with refused(f"No record of embedded lcl tiny seed 2 ({absent.identity()}) in ", "runs; train it first."):
        runs.load(absent)


def test_nothing_is_pickled(runs):
    record = record_of(spec_of())
    record.test_labels = np.array([object()] * 24, dtype=object)
    with pytest.raises(TypeError):
        runs.save(record)
    assert not runs.path.exists()


def test_every_flipped_byte_and_every_cut_is_found_reported_and_set_aside(runs, caplog):
    (spec,) = saved(runs, spec_of())
    path = file_of(runs, spec)
    whole = path.read_bytes()
    places = range(0, len(whole), 29)
    flipped = [whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :] for place in places]
    aside = f"set aside as {path.name}.corrupt, counts as not run."
    for damaged in [*flipped, b"", whole[:1], whole[:-1]]:
        caplog.clear()
        path.write_bytes(damaged)
        assert runs.missing([spec]) == [spec] and not path.exists()
        assert caplog.messages == [f"Record {path.name} is damaged (its checksum does not hold): {aside}"]
        assert path.with_name(path.name + ".corrupt").read_bytes() == damaged
    path.write_bytes(whole)
    assert runs.has(spec)


def test_foreign_files_are_set_aside_and_the_others_still_read(runs, caplog, tmp_path):
    mine, other, third = saved(runs, *(spec_of(seed=seed) for seed in range(3)))
    folder = runs.freeze(tmp_path / "frozen", [third])
    np.savez(runs.path / "notes.npz", a=np.arange(3))
    file_of(runs, other).write_bytes(file_of(runs, mine).read_bytes())
    file_of(runs, third).write_bytes((folder / file_of(runs, third).name).read_bytes())
    assert runs.frame()["identity"].tolist() == [mine.identity()]
    assert len(caplog.records) == len(list(runs.path.glob("*.corrupt"))) == 3
    for said in ("its checksum does not hold", f"it is the record of {mine.identity()}", "a frozen run in a store"):
        assert said in caplog.text


def test_a_record_that_was_written_before_still_reads(runs):
    """Failed ones had arrays of no rows, and no record told its traceback."""
    finished, failed = (records.apart(made(spec_of(seed=seed))) for seed, made in enumerate((record_of, failed_record)))
    none = {name: np.zeros((0, 0) if name.endswith("probabilities") else 0, kind) for name, kind in records.FULL.items()}
    for facts, arrays in (finished, (failed[0], none)):
        facts.pop("traceback")
        path = runs.path / f"{facts['identity']}.npz"
        records.write(path, records.encode(facts, arrays))
    assert runs.has(spec_of(seed=0)) and runs.load(spec_of(seed=1)).status == "failed"


def test_a_disk_that_refuses_leaves_what_was_there(runs, tmp_path):
    (kept,) = saved(runs, spec_of(seed=0))
    before = files_in(runs.path)
    for record in (record_of(spec_of(seed=1)), record_of(kept, seed=9)):
        with full_disk(), refused("Could not save ", "File too large", "LCLSTUDY_RUNS"):
            runs.save(record)
        assert files_in(runs.path) == before
    (tmp_path / "file").write_text("not a folder")
    with refused("Could not read ", "file"):
        RunStore(tmp_path / "file").save(record_of(kept))


def test_the_frame_has_a_row_per_spec_with_exact_scores(runs):
    assert len(runs.frame()) == len(runs.epochs_frame()) == 0
    assert {"identity", "status", "test_accuracy"} <= set(runs.frame().columns)
    finished, failed, _ = specs = [spec_of(seed=seed) for seed in range(3)]
    record = record_of(finished)
    record.test_labels = np.array([0] * 6 + [1] * 12 + [2] * 6)
    record.test_probabilities = np.eye(4, dtype=np.float32)[[0] * 3 + [1] * 15 + [2] * 6]
    runs.save(record)
    runs.save(failed_record(failed))
    frame = runs.frame(specs)
    # F1 of class 0: 2*3/(3+6); of class 1: 2*12/(15+12); of class 2: 1; class 3 has no text
    f1 = (6 * 6 / 9 + 12 * 24 / 27 + 6 * 1) / 24
    shown = ["status", "failure", "test_accuracy", "test_weighted_f1", "seconds", "note_truncated", "device"]
    assert frame.loc[0, shown].tolist() == ["done", "", pytest.approx(21 / 24), pytest.approx(f1), 1.5, 3, "cpu"]
    assert frame["status"].tolist()[1:] == ["failed", "not run"] and frame["test_accuracy"][1:].isna().all()
    assert frame["failure"][1] == "NonFiniteLoss: loss is nan at step 3, batch 3"
    assert runs.epochs_frame(specs)["epoch"].tolist() == [1, 2]
