"""Profiles: files that list runs, expanded to specs."""

import itertools
import re
from dataclasses import dataclass, replace
from pathlib import Path

from lclstudy import paths
from lclstudy.errors import StudyError, unknown

from . import catalog
from .spec import RunSpec, protocol_settings, read_toml, spec_of


@dataclass(frozen=True)
class CaseStudy:
    """Runs on class subsets of one corpus, as in Section 5.3 of the paper; `class_sets` turns it into specs.

    `sets` names published subsets (`all` is every class); the search adds the `found` most confusable disjoint subsets of
    `size` classes. Each is run with every objective and seed. `search_seed` are the seeds whose runs the search reads:
    restricting a profile does not change what is found.
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
    """A named list of runs. `settings` are the defaults, `by_corpus` what differs for a corpus, `grid` a list of products.

    `case_study` asks for runs on class subsets besides; some of them are known only when others have run, so `specs` has none.
    With `retrain` its runs are trained also where frozen ones are there, beside them.
    """

    name: str
    title: str
    settings: dict
    by_corpus: dict
    grid: tuple[dict, ...]
    case_study: CaseStudy | None = None
    retrain: bool = False

    def specs(self) -> list[RunSpec]:
        """All runs of the profile, each once, in the order of the grid; the seed varies slowest within an entry of the grid.

        So a profile that is cut short has all objectives at the first seeds rather than all seeds of the first objective.
        """
        found: dict[RunSpec, None] = {}
        for entry in self.grid:
            names = sorted(entry, key=lambda name: name != "seed")
            for values in itertools.product(*(_as_list(name, entry[name]) for name in names)):
                chosen = dict(zip(names, values, strict=True))
                own = self.by_corpus.get(chosen["corpus"], {}) if isinstance(chosen["corpus"], str) else {}
                defaults = {**self.settings, **own}
                found[spec_of(defaults, chosen)] = None
        return list(found)

    def spec(self, corpus: str, objective: str, **settings) -> RunSpec:
        """The spec of one run; what is not given, or given as None, comes from the profile, whose grid it may leave.

        `classes` may be a text with commas between the names. Raises StudyError on an unknown setting, name, type or value.
        """
        given = {name: value for name, value in settings.items() if value is not None}
        if isinstance(given.get("classes"), str):
            given["classes"] = _as_names(given["classes"])
        own = self.by_corpus.get(corpus, {}) if isinstance(corpus, str) else {}
        return spec_of({**self.settings, **own}, {"corpus": corpus, "objective": objective, **given})

    def restrict(self, corpora=None, objectives=None, seeds=None, encoders=None) -> "Profile":
        """The same profile with only the named corpora, objectives, encoders or seeds.

        Each is a list, one value, or a text with commas between; None or an empty text keeps all.
        Seeds may go beyond the profile's own. Raises StudyError on a name that the profile does not have.
        """
        wanted = {"corpus": corpora, "objective": objectives, "encoder": encoders}
        wanted = {name: _as_names(values) for name, values in wanted.items() if values not in (None, "")}
        for name, values in wanted.items():
            has = {value for entry in self.grid for value in self._values(entry, name)}
            for value in values:
                if value not in has:
                    raise unknown(f"{name} of profile {self.name}", value, sorted(has))
        grid = []
        for entry in self.grid:
            kept = {name: [value for value in self._values(entry, name) if value in values] for name, values in wanted.items()}
            if seeds not in (None, ""):
                kept["seed"] = [_as_seed(seed) for seed in _as_names(seeds)]
            if all(kept.values()):
                grid.append({**entry, **kept})
        if not grid:
            raise StudyError(f"Profile {self.name} has no run with these corpora, objectives, encoders and seeds together.")
        return replace(self, grid=tuple(grid), case_study=self._restricted_case_study(wanted, seeds))

    def _restricted_case_study(self, wanted: dict, seeds) -> CaseStudy | None:
        study = self.case_study
        if study is None or study.corpus not in wanted.get("corpus", [study.corpus]):
            return None
        objectives = tuple(name for name in study.objective if name in wanted.get("objective", study.objective))
        encoder = self.spec(study.corpus, study.objective[0]).encoder
        if not objectives or encoder not in wanted.get("encoder", [encoder]):
            return None
        chosen = study.seed if seeds in (None, "") else tuple(_as_seed(seed) for seed in _as_names(seeds))
        return replace(
            study, objective=objectives, seed=chosen, search_seed=tuple(dict.fromkeys((*study.search_seed, *chosen)))
        )

    def _values(self, entry: dict, name: str) -> list:
        return _as_list(name, entry[name] if name in entry else self.settings[name])


def _as_names(given) -> list:
    if isinstance(given, str):
        return [part.strip() for part in given.split(",") if part.strip()]
    return [given] if isinstance(given, int) else list(given)


def _as_seed(given) -> object:
    number = isinstance(given, str) and given.removeprefix("-").isdecimal()
    return int(given) if number else given  # what is no number the spec refuses


def _as_list(name: str, value) -> list:
    if name == "classes":  # one subset is a list of names, several are a list of lists
        return value if value and isinstance(value[0], list) else [value]
    return value if isinstance(value, list) else [value]


def profile_names() -> list[str]:
    """The names of the profiles that come with the package."""
    return sorted(path.stem for path in paths.profiles().glob("*.toml") if path.stem != "protocol")


def load_profile(name_or_path: str) -> Profile:
    """Reads a profile by name, or from a TOML file of one's own. Raises StudyError if it is unknown or malformed."""
    path = Path(str(name_or_path))
    if path.suffix != ".toml" or not path.is_file():
        if name_or_path not in profile_names():
            raise unknown("profile", name_or_path, [*profile_names(), "or a path ending in .toml"])
        path = paths.profiles() / f"{name_or_path}.toml"
    elif path.resolve().parent != paths.profiles():
        _check_own_name(path)
    table = read_toml(path)
    _check_profile(path.stem, table)
    base = protocol_settings()
    named = table.get("defaults", {})  # what a profile chose for its encoder stands above what the paper chose for a corpus
    defaults = {**base["defaults"], **named}
    own = table.get("corpus", {})
    by_corpus = {name: {**base["corpus"].get(name, {}), **named, **own.get(name, {})} for name in {*base["corpus"], *own}}
    study = _case_study(path.stem, table["case_study"]) if "case_study" in table else None
    title, retrain = table.get("title", path.stem), table.get("retrain", False)
    return Profile(path.stem, title, defaults, by_corpus, tuple(table["grid"]), study, retrain)


def _check_own_name(path: Path) -> None:
    """Raises StudyError on a name under which results of one's own would mix with others, or leave their folder."""
    if path.stem in profile_names():
        raise StudyError(f"{path.name} has the name of a profile that comes with the study; rename it, say to my_{path.name}.")
    if not re.fullmatch(r"\w[\w.-]*", path.stem):
        raise StudyError(f"A profile's file name must be of letters, digits, '_', '-' and '.'; given {path.name!r}; rename it.")


_PROFILE_KEYS = {"title": str, "defaults": dict, "corpus": dict, "grid": list, "case_study": dict, "retrain": bool}
_CASE_STUDY = {"corpus": str, "sets": list, "found": int, "size": int, "objective": list, "seed": list}


def _case_study(name: str, table: dict) -> CaseStudy:
    """Raises StudyError unless the table has each key once, in its form; the runs that it makes are checked as specs."""
    for key in {**table, **_CASE_STUDY}:
        if key not in _CASE_STUDY:
            raise unknown(f"key in [case_study] of profile {name}", key, _CASE_STUDY)
        value = table.get(key)
        if not isinstance(value, _CASE_STUDY[key]) or isinstance(value, bool):
            form = {str: "a text", list: "a list", int: "a whole number"}[_CASE_STUDY[key]]
            raise StudyError(f"[case_study] of profile {name} needs {key!r}, {form}; given {value!r}.")
    if not table["objective"] or not table["seed"]:
        raise StudyError(f"[case_study] of profile {name} needs at least one objective and one seed.")
    if table["found"] < 0 or table["size"] < 2:
        given = f"{table['found']} and {table['size']}"
        raise StudyError(f"[case_study] of profile {name} needs found 0 or more and size 2 or more; given {given}.")
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return CaseStudy(**settings, search_seed=settings["seed"])


def _check_profile(name: str, table: dict) -> None:
    """Raises StudyError unless the table has the shape of a profile; its settings are checked when they make specs."""
    for key, value in table.items():
        if key not in _PROFILE_KEYS:
            raise unknown(f"key in profile {name}", key, _PROFILE_KEYS)
        if not isinstance(value, _PROFILE_KEYS[key]):
            form = {"title": 'title = "..."', "grid": "[[grid]]", "corpus": "[corpus.NAME]", "retrain": "retrain = true"}
            form = form.get(key, f"[{key}]")
            raise StudyError(f"{key!r} of profile {name} has the wrong form; write it as {form}.")
    if not table.get("grid"):
        raise StudyError(f"Profile {name} has no [[grid]]; give at least one with corpus, objective and seed.")
    for entry in table["grid"]:
        for key in ("corpus", "objective", "seed"):
            if not isinstance(entry, dict) or key not in entry:
                raise StudyError(f"A [[grid]] of profile {name} lacks {key!r}; each needs corpus, objective and seed.")
        for key, value in entry.items():
            if value == []:
                raise StudyError(f"A [[grid]] of profile {name} has no value for {key!r}; give one or more, or leave it out.")
    grid_corpora = {value for entry in table["grid"] for value in _as_list("corpus", entry["corpus"]) if isinstance(value, str)}
    for corpus, settings in table.get("corpus", {}).items():
        if corpus not in catalog.corpora() and corpus not in grid_corpora:
            raise unknown(f"corpus in profile {name}", corpus, catalog.corpora())
        if not isinstance(settings, dict):
            raise StudyError(f"'corpus.{corpus}' of profile {name} has the wrong form; write it as [corpus.{corpus}].")
