#!/usr/bin/env bash
# Sets the study up, then executes its notebooks or its tests. Safe to run again. See --help.
set -euo pipefail

# The process that an interrupt must end first. It runs in the background, where Ctrl-C does not reach it, so that no half-started
# Python answers with a traceback; a plain end (SIGTERM) does, and it takes along what it started.
child=""

interrupted() {
    trap '' INT TERM
    [[ -z $child ]] || { kill "$child" && wait "$child"; } 2>/dev/null || true
    printf 'run_all: interrupted; what is finished is kept, and the same command goes on from here.\n' >&2
    exit 130
}
trap interrupted INT TERM

run() {
    local status=0
    "$@" <&0 &
    child=$!
    wait "$child" || status=$?
    child=""
    return "$status"
}

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# Notebooks run in this environment, whatever kernels the user has of the same name.
export JUPYTER_PREFER_ENV_PATH=1

usage() {
    cat <<'END'
Usage: ./run_all.sh [PROFILE] [OPTION]...   set up, then execute the notebooks on a profile (default: quick)
       ./run_all.sh test [PYTEST OPTION]... set up, then run the tests and compare every notebook with its outputs

A profile is a name (quick, minilm, paper, ...) or the path of a TOML file of one's own.
What they make (notebooks, figures, tables, results) goes to build/PROFILE; no tracked file changes.

  --only NN            these notebooks alone: 05, 05_run, or a list with commas
  --force              execute notebooks that are up to date too. Finished runs are never trained again;
                       to train them again, remove their records from data/runs and give --retrain
  --dry-run            say what would be set up and executed and how many runs are missing, and stop
  --corpora LIST       these corpora of the profile alone, with commas: emoint,isear
  --objectives LIST    these objectives alone: ce,lcl
  --seeds LIST         these seeds: 0,1,2
  --encoders LIST      these encoders alone
  --executor NAME      how runs are executed: serial, processes or ray
  --workers N          how many at a time
  --device NAME        cuda, mps or cpu
  --retrain            train also what is frozen in data/results, and show both
  --parameter NAME VALUE   any parameter of the notebooks; may be given again
  --help               this text

Set-up needs Python 3.11 or newer. It uses the active virtual or conda environment (not conda's base), else makes .venv,
and installs requirements.txt when that or constraints.txt has changed. After that nothing needs the network.
LCLSTUDY_DATA, LCLSTUDY_MODELS, LCLSTUDY_RUNS and LCLSTUDY_BUILD name other folders; a relative one counts from here.
Exit status: 0 all well, 1 set-up, a notebook or a test failed, 2 a wrong name or option, 130 interrupted.
END
}

# Runs the command of the study, which need not be installed yet: checking names takes the standard library alone.
study() {
    local -x PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
    run "$python" -P -m lclstudy "$@"
}

say() { printf 'run_all: %s\n' "$*"; }

fail() {
    printf 'run_all: %s\n' "$*" >&2
    exit 1
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null >/dev/null 2>&1; }

can_make_venv() { "$1" -c 'import ensurepip, venv' </dev/null >/dev/null 2>&1; }

# Prints the folder of the active environment, if any. Conda's base is active in every shell of many people: not meant.
active_environment() {
    if [[ -n ${VIRTUAL_ENV:-} ]]; then
        printf '%s\n' "$VIRTUAL_ENV"
    elif [[ -n ${CONDA_PREFIX:-} && ${CONDA_DEFAULT_ENV:-} != base ]]; then
        printf '%s\n' "$CONDA_PREFIX"
    fi
}

# Prints a Python 3.11 or newer that can make an environment, else one that cannot, else nothing.
find_python() {
    local name found=""
    for name in python3 python3.13 python3.12 python3.11 python3.14 python; do
        new_enough "$name" || continue
        if can_make_venv "$name"; then
            found=$name
            break
        fi
        found=${found:-$name}
    done
    printf '%s\n' "$found"
}

# Sets `environment` (its folder) and `python` (an interpreter that can check names; the environment's own if it is there).
choose_environment() {
    environment=$(active_environment)
    if [[ -n $environment ]]; then
        python=$environment/bin/python
        new_enough "$python" ||
            fail "The active environment $environment has no Python 3.11 or newer; deactivate it, or activate another."
        return
    fi
    environment=$root/.venv
    python=$environment/bin/python
    new_enough "$python" && return
    python=$(find_python)
    [[ -n $python ]] || fail "No Python 3.11 or newer found; install one, or activate an environment that has it."
}

# Prints what the environment must have been set up with: a hash of the pins, the package's own file, and the two places.
stamp() (
    trap '' INT
    "$environment/bin/python" - "$root" <<'END'
import hashlib, pathlib, sys

root = pathlib.Path(sys.argv[1])
parts = [(root / name).read_bytes() for name in ("requirements.txt", "constraints.txt", "pyproject.toml")]
print(hashlib.sha256(b"\n".join([*parts, str(root).encode(), sys.version.encode()])).hexdigest())
END
)

is_set_up() {
    [[ -x $environment/bin/python && -f $environment/.lclstudy-setup ]] &&
        [[ $(<"$environment/.lclstudy-setup") == "$(stamp)" ]]
}

make_environment() {
    if [[ $environment == "$root/.venv" ]] && ! "$environment/bin/python" -P -m pip --version >/dev/null 2>&1; then
        can_make_venv "$python" ||
            fail "$python cannot make an environment; install its venv module (Debian: python3-venv), or activate an environment."
        say "making .venv with $("$python" --version)"
        run "$python" -P -m venv --clear "$environment" </dev/null || fail "Could not make .venv; see above."
    fi
    python=$environment/bin/python
    "$python" -P -m pip --version >/dev/null 2>&1 || "$python" -P -m ensurepip >/dev/null 2>&1 ||
        fail "The environment $environment has no pip; install it there, or deactivate the environment."
}

# The stamp is written last, so that an interrupted installation is taken up again.
install_packages() {
    rm -f "$environment/.lclstudy-setup"
    say "installing requirements.txt (some minutes the first time)"
    # Compiling all of it would take half of the time; Python compiles what is imported.
    run "$python" -P -m pip install --quiet --no-compile --constraint "$root/constraints.txt" \
        --requirement "$root/requirements.txt" </dev/null ||
        fail "Could not install requirements.txt; see above, and run again."
    say "installing lclstudy"
    run "$python" -P -m pip install --quiet --no-deps --editable "$root" </dev/null ||
        fail "Could not install lclstudy; see above, and run again."
    [[ $environment != "$root/.venv" ]] || set_up_jupyterlab
    stamp >"$environment/.lclstudy-setup"
}

# In the study's own environment JupyterLab saves when asked, not by itself: to run a notebook changes no tracked file.
set_up_jupyterlab() {
    mkdir -p "$environment/etc/jupyter/labconfig"
    cp "$root/scripts/jupyterlab.json" "$environment/etc/jupyter/labconfig/default_setting_overrides.json"
}

set_up() {
    if ! is_set_up; then
        make_environment
        install_packages
    fi
    python=$environment/bin/python
}

tell_set_up() {
    if is_set_up; then
        say "the environment is set up"
    else
        [[ -x $environment/bin/python ]] || say "would make .venv"
        say "would install requirements.txt and lclstudy"
    fi
}

main() {
    local argument workers dry_run=no command=notebooks
    for argument in "$@"; do
        case $argument in
            -h | --help) usage && exit 0 ;;
            --dry-run) dry_run=yes ;;
        esac
    done
    if [[ ${1:-} == test ]]; then
        command=test
        shift
    fi
    choose_environment
    if [[ $command == notebooks ]]; then
        study notebooks "$@" --check
    fi
    if [[ $dry_run == yes ]]; then
        tell_set_up
    else
        set_up
    fi
    if [[ $command == notebooks ]]; then
        study notebooks "$@"
    elif [[ $dry_run == no ]]; then
        study wordnet </dev/null || exit 1
        cd -- "$root"
        # A worker per core, each with one thread; a notebook stays whole with --dist loadfile. What takes long comes first (conftest.py).
        export OMP_NUM_THREADS=1
        workers=$("$python" -P -c 'import joblib; print(joblib.cpu_count())')
        run "$python" -P -m pytest -n "$workers" --dist loadfile --no-loadscope-reorder --nbval --nbval-current-env \
            --durations=15 tests notebooks "$@"
    fi
}

main "$@"
