"""Where things are. Functions where an environment variable has a say, so that one set late still counts.

A relative path in `LCLSTUDY_DATA`, `LCLSTUDY_MODELS`, `LCLSTUDY_RUNS`, `LCLSTUDY_RESULTS`, `LCLSTUDY_FIGURES` or
`LCLSTUDY_BUILD` counts from the repository root, because a notebook, papermill and pytest each run in another working folder.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(__file__).resolve().parent
PUBLISHED, EMBEDDED = ROOT / "data" / "published", ROOT / "data" / "embedded"  # the numbers of the papers; our own corpus
PROFILES = PACKAGE / "plan" / "profiles"


def _override(variable: str, default: Path | None = None) -> Path | None:
    value = os.environ.get(variable, "").strip()
    return (ROOT / Path(value).expanduser()).resolve() if value else default


def raw_data() -> Path:
    """Folder of the raw corpora: `LCLSTUDY_DATA`, else `data/raw`, into which `corpora.download` downloads."""
    return _override("LCLSTUDY_DATA", ROOT / "data" / "raw")


def models() -> Path:
    """Folder of local encoders, one folder each: `LCLSTUDY_MODELS`, else `data/models`."""
    return _override("LCLSTUDY_MODELS", ROOT / "data" / "models")


def runs() -> Path:
    """Folder of the run records: `LCLSTUDY_RUNS`, else `data/runs`."""
    return _override("LCLSTUDY_RUNS", ROOT / "data" / "runs")


def figures(name: str) -> Path:
    """Folder of the figures and tables made from the results of a profile: `LCLSTUDY_FIGURES/NAME`, else `build/NAME/figures`.

    The study's own are in `figures/NAME`, tracked, where only `lclstudy notebooks --refresh` sends them.
    """
    figures = _override("LCLSTUDY_FIGURES")
    return figures / name if figures else build(name) / "figures"


def results(name: str) -> Path:
    """Folder of the frozen results of a profile: `LCLSTUDY_RESULTS/NAME`, else `data/results/NAME`."""
    return _override("LCLSTUDY_RESULTS", ROOT / "data" / "results") / name


def build(name: str) -> Path:
    """Folder of what a person's own run of a profile makes: `LCLSTUDY_BUILD/NAME`, else `build/NAME`. Ignored by git."""
    return _override("LCLSTUDY_BUILD", ROOT / "build") / name


def relative(path: Path) -> str:
    """`path` from the repository root where it lies inside, else its last two parts: what may be printed or tracked."""
    path = Path(path).resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else "/".join(path.parts[-2:])
