"""Writes constraints.txt: what the packages of requirements.txt need in turn, at the versions installed here.

    .venv/bin/python scripts/lock.py

No hashes, and no local part of a version: torch's wheel differs between machines and brings other packages on some.
"""

import re
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
HEAD = """\
# Every package that those of requirements.txt need in turn, at the version that the study was made with. `run_all.sh` installs
# with these constraints. Made by: .venv/bin/python scripts/lock.py
"""


def needed(names: list[str]) -> dict[str, str]:
    """The version of each installed package that `names` need, in turn, themselves included, by name in order."""
    waiting, found = [(name, "") for name in names], {}
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        try:
            found[canonicalize_name(name)] = version(name).partition("+")[0]
        except PackageNotFoundError:  # of another system or Python
            continue
        for requirement in map(Requirement, requires(name) or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                wanted = {(requirement.name, also) for also in ("", *requirement.extras)} - seen
                seen |= wanted
                waiting += wanted
    return dict(sorted(found.items()))


def main() -> None:
    """Writes the file."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    names = [re.split(r"[=\[]", line)[0] for line in lines if line and not line.startswith("#")]
    pins = "".join(f"{name}=={number}\n" for name, number in needed(names).items())
    (ROOT / "constraints.txt").write_text(HEAD + pins, "utf-8")


if __name__ == "__main__":
    main()
