"""Profiles: files that list runs, expanded to specs."""

import itertools
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from lclstudy import paths
from lclstudy.errors import StudyError, check_known, unknown

from . import catalog
from .spec import RunSpec, make_spec


class CaseStudy(NamedTuple):
    """Runs on class subsets of one corpus, as in Section 5.3 of the paper; `class_sets` turns it into specs.

    `sets` names published subsets (`all` is every class); the search adds the `found` most confusable disjoint subsets of
    `size` classes. Each is run with every objective and seed. `search_seed` are the seeds whose runs the search reads, also of
    a profile that is restricted; with fewer of them finished it may find other sets.
    """

    corpus: str
    sets: tuple[str, ...]
    found: int
    size: int
    objective: tuple[str, ...]
    seed: tuple[int, ...]
    search_seed: tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """A named list of runs: `grid` lists products of settings. What a profile chose for its encoder (`settings`, and
    `by_corpus` for a corpus) stands above what the paper chose for a corpus (`protocol.toml`).

    `case_study` asks for runs on class subsets besides; some of them are known only when others have run, so `specs` has none.
    Of the seeds `retrain` the runs of its grid are trained also where frozen ones are there, beside them; those of the case
    study are not. `only`: the names, by setting, to which the runs are restricted. `source` is what loads it: its name, or the
    whole path of its file.
    """

    name: str
    title: str
    settings: dict
    by_corpus: dict
    grid: tuple[dict, ...]
    case_study: CaseStudy | None = None
    retrain: tuple[int, ...] = ()
    only: dict = field(default_factory=dict)
    source: str = ""

    def specs(self) -> list[RunSpec]:
        """All runs of the profile, each once, in the order of the grid; the seed varies slowest within an entry of the grid.

        So a profile that is cut short has all objectives at the first seeds rather than all seeds of the first objective.
        Raises StudyError as `make_spec`, and on two corpora of one name.
        """
        found: dict[RunSpec, None] = {}
        for entry in self.grid:
            names = sorted(entry, key=lambda name: name != "seed")
            for values in itertools.product(*(_as_list(name, entry[name]) for name in names)):
                found[self.spec(**dict(zip(names, values, strict=True)))] = None
        kept = [spec for spec in found if self._keeps(spec)]
        called: dict[str, str] = {}
        for corpus in (spec.corpus for spec in kept):
            if (name := catalog.short_name(corpus)) and called.setdefault(name, corpus) != corpus:
                both = f"{called[name]} and {corpus} of profile {self.name}"
                raise StudyError(f"Tables would call {both} {name!r} alike; give each a file name of its own.")
        return kept

    def spec(self, corpus: str, objective: str, **settings) -> RunSpec:
        """The spec of one run; what is not given, or given as None, comes from the profile, whose grid it may leave. `classes`
        may be a text with commas between the names. Raises StudyError as `make_spec`."""
        given = {name: value for name, value in settings.items() if value is not None}
        if isinstance(given.get("classes"), str):
            given["classes"] = _as_names(given["classes"])
        chosen = {**self.settings, **self.by_corpus.get(str(corpus), {}), **given}
        return make_spec(**{**chosen, "corpus": corpus, "objective": objective})

    def restrict(self, corpora=None, objectives=None, seeds=None, encoders=None) -> "Profile":
        """The same profile with only the named corpora, objectives, encoders or seeds: a list, one value, or a text with commas
        between; None or an empty text keeps all. Raises StudyError on a name that is not in it; only seeds may be new."""
        given = {"corpus": corpora, "objective": objectives, "encoder": encoders}
        only = {name: _as_names(values) for name, values in given.items() if values not in (None, "")}
        whole = self.specs()
        for name, values in only.items():
            has = sorted({getattr(spec, name) for spec in whole})
            for value in values:
                check_known(f"{name} of profile {self.name}", value, has)
        part = replace(self, only={**self.only, **only})
        if seeds not in (None, ""):
            # What is no number the spec refuses.
            seeds = [int(seed) if str(seed).removeprefix("-").isdecimal() else seed for seed in _as_names(seeds)]
            part = replace(part, grid=tuple({**entry, "seed": seeds} for entry in self.grid))
        if not part.specs():
            raise StudyError(f"Profile {self.name} has no run with these corpora, objectives, encoders and seeds together.")
        study = self.case_study
        if study is None:
            return part
        kept = tuple(name for name in study.objective if part._keeps(self.spec(study.corpus, name)))
        seed = tuple(seeds or study.seed)
        search = tuple(dict.fromkeys((*study.search_seed, *seed)))
        study = study._replace(objective=kept, seed=seed, search_seed=search) if kept else None
        return replace(part, case_study=study)

    def _keeps(self, spec: RunSpec) -> bool:
        return all(getattr(spec, name) in values for name, values in self.only.items())


def _as_names(given) -> list:
    if isinstance(given, str):
        return [part.strip() for part in given.split(",") if part.strip()]
    return [given] if isinstance(given, int) else list(given)


def _as_list(name: str, value) -> list:
    if name == "classes":  # one subset is a list of names, several are a list of lists
        return value if value and isinstance(value[0], list) else [value]
    return value if isinstance(value, list) else [value]


def profile_names() -> list[str]:
    """The names of the profiles that come with the package."""
    return sorted(path.stem for path in paths.PROFILES.glob("*.toml") if path.stem != "protocol")


def load_profile(name_or_path: str) -> Profile:
    """Reads a profile by name, or from a TOML file of one's own. Raises StudyError if it is unknown or malformed."""
    path = Path(str(name_or_path))
    if path.suffix != ".toml":
        if name_or_path not in profile_names():
            raise unknown("profile", name_or_path, [*profile_names(), "or a path ending in .toml"])
        path = paths.PROFILES / f"{name_or_path}.toml"
    elif not path.is_file():
        raise StudyError(f"No profile file {str(path)!r}; give the path of one that exists, or a name.")
    elif path.resolve().parent != paths.PROFILES and path.stem in (*profile_names(), *_RESERVED):
        raise StudyError(f"{path.name} has a name that the study uses itself; rename it, say to my_{path.name}.")
    elif not re.fullmatch(r"\w[\w.-]*", path.stem):  # results of one's own would leave their folder
        raise StudyError(f"A profile's file name must be of letters, digits, '_', '-' and '.'; given {path.name!r}; rename it.")
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"Profile {path.name} is not valid TOML: {error}.") from None
    _check_profile(f"profile {path.stem}", table)
    study = {key: tuple(value) if isinstance(value, list) else value for key, value in table.get("case_study", {}).items()}
    return Profile(
        name=path.stem,
        title=table.get("title", path.stem),
        settings=table.get("defaults", {}),
        by_corpus=table.get("corpus", {}),
        grid=tuple(table["grid"]),
        case_study=CaseStudy(**study, search_seed=study["seed"]) if study else None,
        retrain=tuple(table.get("retrain", ())),
        source=path.stem if path.parent == paths.PROFILES else str(path.resolve()),
    )


_RESERVED = ("refresh", "site", "none")  # folders of build/
_PROFILE = {"title": str, "defaults": dict, "corpus": dict, "grid": list, "case_study": dict, "retrain": list}
_CASE_STUDY = {"corpus": str, "sets": list, "found": int, "size": int, "objective": list, "seed": list}
_FORMS = {str: "a text", int: "a whole number", list: "a list", dict: "a table"}


def _check_keys(place: str, table: dict, kinds: dict) -> None:
    """Raises StudyError on a key that `kinds` does not have, or a value of another kind."""
    for key, value in table.items():
        check_known(f"key in {place}", key, kinds)
        if type(value) is not kinds[key]:
            raise StudyError(f"{key!r} of {place} must be {_FORMS[kinds[key]]}, as in quick.toml; given {value!r}.")


def _check_profile(place: str, table: dict) -> None:
    """Raises StudyError unless the table has the shape of a profile; its settings are checked when they make specs."""
    _check_keys(place, table, _PROFILE)
    if not table.get("grid"):
        raise StudyError(f"P{place[1:]} has no [[grid]]; give at least one with corpus, objective and seed.")
    for entry in table["grid"]:
        for key in ("corpus", "objective", "seed"):
            if not isinstance(entry, dict) or key not in entry:
                raise StudyError(f"A [[grid]] of {place} lacks {key!r}; each needs corpus, objective and seed.")
        for key in (key for key, value in entry.items() if value == []):
            raise StudyError(f"A [[grid]] of {place} has no value for {key!r}; give one or more, or leave it out.")
    in_grid = [value for entry in table["grid"] for value in _as_list("corpus", entry["corpus"])]
    for corpus, settings in table.get("corpus", {}).items():
        if corpus not in in_grid:
            check_known(f"corpus in {place}", corpus, catalog.corpora())
        _check_keys(f"[corpus] of {place}", {corpus: settings}, {corpus: dict})
    if "case_study" in table:
        study = table["case_study"]
        _check_keys(f"[case_study] of {place}", {**study, **{key: study.get(key) for key in _CASE_STUDY}}, _CASE_STUDY)
        if not all(isinstance(name, str) for name in study["sets"]):
            raise StudyError(f"sets in [case_study] of {place} must be names of published sets, or 'all'.")
        if not study["objective"] or not study["seed"] or not 0 <= study["found"] <= 26 or study["size"] < 2:
            raise StudyError(f"[case_study] of {place} needs an objective, a seed, found from 0 to 26, and size 2 or more.")
