"""One training run: prepared in one room, which reads the corpus, and fitted in another, which reads no file."""


def train(spec, device: str | None = None, progress=True, executor: str = "serial", data=None, out=None):
    """The `Record` of a `RunSpec`: prepares it and fits it. On a CPU the same spec with as many threads gives the same record.

    `device` is `cuda`, `mps` or `cpu`; without it the first of these that is there. `progress`: whether to show a bar, or what
    makes one like tqdm's. `data` is what `prepare.prepare` gave, if somebody has called it: nothing is then read. `out`: a
    folder, not there yet, to keep the trained classifier in. Raises StudyError on a setting that cannot be met, before any
    training, and `loop.NonFiniteLoss`.
    """
    from . import classifier, loop, prepare

    loop.choose_device(device)
    folder = classifier.new_folder(out, spec) if out else None
    if data is None:
        prepare.check(spec)
        data = prepare.prepare(spec)
    record, network = loop.fit(data, spec, device, progress, executor)
    if folder:
        classifier.save(folder, network, data, record)
    return record
