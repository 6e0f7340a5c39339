"""One training run: prepared in one room, which reads the corpus, and fitted in another, which reads no corpus."""

# Of torch, in every run of a grid: another number sums in another order, which changes the last bits, and two runs with a
# thread each train more in an hour than one with two.
THREADS = 1


def train(
    spec, device: str | None = None, progress=True, executor: str = "serial", data=None, out=None, threads=None, state=None
):
    """The `Record` of a `RunSpec`: prepares it and fits it. On a CPU the same spec with as many threads gives the same record.

    `device` is `cuda`, `mps` or `cpu`; without it the first of these that is there. `progress`: whether to show a bar, or what
    makes one like tqdm's. `data` is what `prepare.prepare` gave, if somebody has called it: nothing is then read. `out`: a
    folder, not there yet, to keep the trained classifier in. `threads`: of torch meanwhile, by default those it has. `state`:
    the path of a `Checkpoint`, from which a run that was cut off goes on; to be forgotten when the record is saved. Raises
    StudyError on a setting that cannot be met, before any training, and `loop.NonFiniteLoss`.
    """
    import torch

    from . import checkpoint, classifier, loop, prepare

    loop.choose_device(device)
    folder = classifier.new_folder(out, spec) if out else None
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        if data is None:
            prepare.check(spec)
            data = prepare.prepare(spec)
        record, network = loop.fit(data, spec, device, progress, executor, state)
    except loop.NonFiniteLoss:  # which comes again, or lies in the state itself
        if state:
            checkpoint.forget(state)
        raise
    finally:
        torch.set_num_threads(before)
    if folder:
        classifier.save(folder, network, data, record)
    return record
