"""The files of a pre-trained encoder: found in a local folder or on the hub, and whole."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError
from lclstudy.plan import catalog

FILES = ("*.json", "*.txt", "*.model", "model.safetensors")
# Of each part an encoder has one of these files at least.
PARTS = {
    "config.json": ("config.json",),
    "model.safetensors": ("model.safetensors",),
    "tokenizer (tokenizer.json, vocab.* or *.model)": ("tokenizer.json", "vocab.*", "*.model"),
}


def folder(entry: catalog.EncoderEntry) -> Path:
    """The local folder of an encoder, else the hub's files. Raises StudyError if neither is within reach."""
    return _Folder(catalog.local_folder(entry) or _download(entry))


class _Folder(type(Path())):
    """The folder of an encoder. It pickles with its files, so that a node of a cluster needs no copy of its own."""

    def __reduce__(self):
        wanted = [file for pattern in FILES for file in self.glob(pattern)]
        return _unpacked, ({file.name: file.read_bytes() for file in wanted},)


def _unpacked(files: dict[str, bytes]) -> _Folder:
    """The folder on a node: beside the package, which Ray puts into a folder of its own and removes."""
    name = hashlib.sha256(files["model.safetensors"]).hexdigest()
    whole, part = (paths.ROOT / "data" / folder / name for folder in ("models", f"part-{os.getpid()}"))
    if not whole.is_dir():
        part.mkdir(parents=True, exist_ok=True)
        for file, data in files.items():
            (part / file).write_bytes(data)
        whole.parent.mkdir(exist_ok=True)
        with suppress(OSError):  # another task was first
            part.rename(whole)
        shutil.rmtree(part.parent)
    return _Folder(whole)


def _download(entry: catalog.EncoderEntry) -> Path:
    """The hub's files at the pinned revision, from its cache if they are there."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(entry.hub, revision=entry.revision, allow_patterns=[*FILES]))
    except (OSError, ValueError) as error:  # the hub's own errors are kinds of these
        reason = str(error).splitlines()[0][:100]
        raise StudyError(
            f"Cannot get encoder {entry.name!r} ({entry.hub}) from the hub: {reason} Without a network, put its files "
            f"(config, tokenizer, model.safetensors) in a folder {entry.name!r} under LCLSTUDY_MODELS."
        ) from None


def verified(folder: Path, entry: catalog.EncoderEntry) -> str:
    """`sha256:` and that of the weights. Raises StudyError if a file is missing, or the weights are not those pinned."""
    file = folder / "model.safetensors"
    for part, names in PARTS.items():
        if not any(path for name in names for path in folder.glob(name)):
            raise StudyError(f"Encoder folder {paths.relative(folder)} has no {part}; download all of {entry.hub}.")
    found = catalog.file_checksum(file)
    if entry.sha256 and found != entry.sha256:
        raise StudyError(
            f"{paths.relative(file)} is not the pinned {entry.hub} (sha256 {found[:12]}..., wanted {entry.sha256[:12]}...): "
            f"it is cut short or altered; download revision {entry.revision} again."
        )
    return f"sha256:{found}"
