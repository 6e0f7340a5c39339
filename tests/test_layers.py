"""The design's table of who may import whom, held against the source; and no torch in what analyses."""

import ast
import subprocess
import sys

import pytest

from lclstudy import paths

# In the order of the layers: a module imports from those above it, and of those only what stands in its line.
# `errors` may be imported by all. A module that the design does not name is a part of the one in whose group it stands.
MAY_IMPORT = {
    "errors": (),
    "paths": (),
    "catalog": ("paths",),
    "config": ("catalog", "paths"),
    "records": ("config", "paths"),
    # numbers alone
    "losses": (),
    "circle": ("losses",),
    "metrics": (),
    "stats": (),
    "subsets": ("metrics",),
    # corpus and second views
    "readers": ("paths",),
    "ownfile": ("paths", "readers"),
    "rawfiles": ("catalog", "paths"),
    "corpora": ("catalog", "paths", "readers", "ownfile", "rawfiles"),
    "wordnet": ("paths",),
    "augment": ("wordnet",),
    # training
    "batching": (),
    "dropout": (),
    "attention": ("batching", "dropout"),
    "recurrent": ("batching",),
    "tiny": (),
    "checkpoints": ("catalog", "paths"),
    "encoders": ("catalog", "attention", "batching", "recurrent", "tiny", "checkpoints"),
    "classweights": ("metrics", "batching", "encoders"),
    "objectives": ("config", "dropout", "losses", "batching", "encoders"),
    "bagofwords": ("records",),
    "train": (
        "config",
        "catalog",
        "records",
        "losses",
        "metrics",
        "corpora",
        "wordnet",
        "augment",
        "batching",
        "encoders",
        "classweights",
        "objectives",
        "bagofwords",
    ),
    # records and results
    "runtables": ("paths", "catalog", "config", "records", "metrics"),
    "published": ("paths",),
    "casestudy": ("paths", "catalog", "config", "records", "metrics", "subsets", "published", "runtables"),
    "frozen": ("paths", "config", "records", "runtables", "casestudy"),
    "store": ("paths", "config", "records", "runtables", "frozen", "casestudy"),
    "reference": ("config", "frozen"),
    "progress": ("config",),
    "executors": ("paths", "catalog", "config", "records", "train", "progress"),
    "runqueue": ("paths", "config", "records", "store"),
    "execute": ("paths", "config", "records", "train", "store", "casestudy", "progress", "executors", "runqueue"),
    # what is shown
    "provenance": ("paths",),
    "names": ("catalog",),
    "summary": ("paths", "names"),
    "show": ("names",),
    "export": ("paths", "provenance"),
    "tables": ("paths", "config", "metrics", "stats", "published", "names", "export"),
    "figstyle": ("paths", "provenance", "names"),
    "corpusplots": ("names", "figstyle"),
    "lossplots": ("figstyle",),
    "plots": ("paths", "config", "metrics", "stats", "published", "names", "figstyle", "corpusplots"),
    "audit": ("stats", "published", "names"),
    "finding": ("paths",),
    "lossforms": (),
    "consistency": ("catalog", "stats", "published", "summary", "names", "tables", "audit", "finding"),
    "followup": ("catalog", "published", "summary", "names", "finding", "lossforms"),
    "auditplots": ("names", "figstyle"),
    "subsetplots": ("figstyle", "plots"),
    "subsettables": ("paths", "metrics", "frozen", "published", "names", "casestudy", "subsets"),
    "uncertainty": ("catalog", "config", "metrics", "stats", "frozen", "names", "tables"),
    "uncertaintyplots": ("config", "names", "figstyle"),
    "verdicts": (
        "paths",
        "metrics",
        "stats",
        "subsets",
        "frozen",
        "reference",
        "published",
        "names",
        "summary",
        "tables",
        "casestudy",
    ),
    "forestplots": ("names", "figstyle"),
    "reports": ("catalog", "config", "records", "metrics", "frozen", "published", "names", "tables"),
    "casetables": ("config", "metrics", "stats", "frozen", "published", "names", "tables", "casestudy"),
    "caseplots": ("names", "stats", "figstyle"),
    "ablationtables": ("catalog", "config", "metrics", "stats", "frozen", "published", "names", "tables"),
    "ablationplots": ("names", "stats", "figstyle"),
    "reporttables": ("catalog", "config", "metrics", "stats", "frozen", "reference", "summary", "published", "names", "tables"),
    "reportfindings": ("names", "tables", "reporttables"),
    "reportplots": ("names", "stats", "figstyle"),
    # a corpus of one's own: it trains, and shows what came of it
    "owncorpus": ("paths", "catalog", "config", "metrics", "stats", "subsets", "frozen", "store", "execute", "names", "tables"),
    "owncorpusplots": ("metrics", "names", "figstyle", "plots"),
    # the README
    "frontdoor": (
        *("paths", "catalog", "config", "metrics", "stats", "frozen", "published", "names", "summary", "tables"),
        *("reports", "casetables", "verdicts", "uncertainty", "ablationtables", "reporttables", "reportfindings"),
    ),
    # the runner of the notebooks
    "notebooks": ("paths", "config", "wordnet", "store", "casestudy"),
    "refresh": ("paths", "notebooks"),
    "__main__": ("paths", "config", "wordnet", "train", "store", "casestudy", "execute", "notebooks", "refresh"),
}
ANALYSES = (
    *("ablationtables", "ablationplots", "reporttables", "reportfindings", "reportplots", "owncorpusplots", "frontdoor"),
    *("casetables", "caseplots", "subsettables"),
    *("finding", "lossforms", "consistency", "followup"),
    *("casestudy", "audit", "auditplots", "subsetplots", "uncertainty", "uncertaintyplots", "verdicts", "forestplots"),
    *("metrics", "subsets", "stats", "tables", "plots", "corpusplots", "show", "summary", "reports"),
    *("published", "store", "frozen", "runtables", "reference", "config", "records", "catalog", "notebooks"),
)
HEAVY = {"torch", "transformers", "datasets", "ray"}

MODULES = sorted(path.stem for path in paths.PACKAGE.glob("*.py") if path.stem != "__init__")


def imports(module: str) -> tuple[set[str], set[str]]:
    """The modules of the package that a module imports anywhere in its source, and the packages from outside."""
    own, outside = set(), set()
    for node in ast.walk(ast.parse((paths.PACKAGE / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, ("lclstudy" * bool(node.level), node.module)))
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "lclstudy" else [base]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            (own if first == "lclstudy" else outside).add(rest.split(".")[0] if first == "lclstudy" else first)
    return own & set(MODULES), outside


def reachable(module: str) -> set[str]:
    """The module and all modules of the package that it leads to."""
    found, waiting = set(), [module]
    while waiting:
        if (here := waiting.pop()) not in found:
            found.add(here)
            waiting += imports(here)[0]
    return found


def test_the_reader_of_imports_sees_every_form():
    assert imports("store")[0] >= {"config", "errors", "paths", "frozen", "records"}
    assert imports("notebooks")[0] >= {"store"}, "an import within a function counts"
    assert "torch" in imports("losses")[1]


def test_every_module_has_its_line():
    assert set(MODULES) <= set(MAY_IMPORT), "say in MAY_IMPORT what the new module may import"


def test_imports_point_upwards():
    order = list(MAY_IMPORT)
    for module, allowed in MAY_IMPORT.items():
        assert all(order.index(name) < order.index(module) for name in allowed), module


@pytest.mark.parametrize("module", MODULES)
def test_imports_stay_within_the_table(module):
    assert imports(module)[0] <= {"errors", *MAY_IMPORT[module]}


@pytest.mark.parametrize("module", [name for name in ANALYSES if name in MODULES])
def test_what_analyses_leads_to_no_torch(module):
    heavy = {name: imports(name)[1] & HEAVY for name in reachable(module)}
    assert not {name: packages for name, packages in heavy.items() if packages}


def test_what_analyses_loads_no_torch():
    modules = ", ".join(f"lclstudy.{name}" for name in ANALYSES if name in MODULES)
    code = f"import sys, {modules}; print(*({HEAVY} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_names_are_checked_before_anything_is_installed():
    """`run_all.sh` checks a profile and its runs with a bare Python: `-S` hides every installed package."""
    code = "import lclstudy.__main__, lclstudy.config as c; print(len(c.load_profile('quick').specs()))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=paths.ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 0


def test_progress_bars_are_text():
    """A widget is seen neither on the terminal of `run_all.sh` nor in a tracked notebook."""
    for file in [*paths.PACKAGE.glob("*.py"), *(paths.ROOT / "notebooks").glob("*.py")]:
        bars = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom | ast.Import)]
        names = {getattr(node, "module", None) for node in bars} | {alias.name for node in bars for alias in node.names}
        assert names.isdisjoint({"tqdm.auto", "tqdm.autonotebook", "tqdm.notebook"}), file.name
