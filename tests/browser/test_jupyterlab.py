"""A notebook as a person runs it: in JupyterLab, in a real browser, on a clone, in which no tracked file changes."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lclstudy import paths

from .conftest import PATIENCE

BAR = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]'
ERROR = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]'
PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map((prompt) => prompt.innerText)"
# Keeps what the line of progress says: a page on a busy machine may show some of it too briefly to be asked for.
WATCH = """(selector) => {
    window.said = [];
    new MutationObserver(() => {
        const outputs = [...document.querySelectorAll(selector)].map((output) => output.innerText.trim());
        const now = outputs.find((text) => text.includes("Runs:"));
        if (now && now !== window.said.at(-1)) window.said.push(now);
    }).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""
# Saving by itself, were it on, would not wait two minutes; and what has scrolled out of sight stays in the page.
SETTINGS = {"docmanager-extension/plugin": {"autosaveInterval": 1}, "notebook-extension/tracker": {"windowingMode": "none"}}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=test", "-c", "user.email=test", "-c", "core.hooksPath=", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A repository of its own with the files of this one as they lie here."""
    if not (paths.ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("needs git and a checkout")
    if not (paths.ROOT / "data" / "wordnet").is_dir():
        pytest.skip("needs WordNet: `lclstudy wordnet`")
    folder = tmp_path_factory.mktemp("lab") / "study"
    for name in git(paths.ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if (source := paths.ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "all"]):
        git(folder, *command)
    return folder


@pytest.fixture(scope="module")
def server(clone, tmp_path_factory):
    """The address of JupyterLab on the clone, set up as `run_all.sh` does, with no settings of the person who tests."""
    home = tmp_path_factory.mktemp("home")
    (home / "labconfig").mkdir()
    shutil.copy(clone / "scripts" / "jupyterlab.json", home / "labconfig" / "default_setting_overrides.json")
    for name, settings in SETTINGS.items():
        file = home / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LCLSTUDY_", "JUPYTER", "JPY_"))}
    own = {"PYTHONPATH": str(clone), "NLTK_DATA": str(paths.ROOT / "data" / "wordnet"), "JUPYTER_PREFER_ENV_PATH": "1"}
    environment = kept | own | dict.fromkeys(("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"), str(home))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0", "--IdentityProvider.token=test"]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=clone, env=environment, stdout=log, stderr=log)
    told, end = home / "runtime" / f"jpserver-{process.pid}.json", time.monotonic() + PATIENCE
    while not (told.is_file() and told.read_text()):
        assert process.poll() is None and time.monotonic() < end, (home / "log").read_text()
        time.sleep(0.1)
    yield json.loads(told.read_text())["url"]
    process.kill()  # its kernels end with it
    process.wait()
    print((home / "log").read_text())  # seen where a test has failed


def test_a_notebook_runs_says_how_far_it_is_in_one_line_and_changes_no_tracked_file(page, server, clone):
    """The one for labels of one's own: of those that train runs side by side, it takes the least."""
    page.goto(f"{server}lab/tree/notebooks/14_your_corpus.ipynb?token=test&reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    parameters = page.locator(".jp-CodeCell .cm-content").first
    parameters.click()
    for line in ('seeds = "0"', "train_limit = 100"):
        page.keyboard.press("Control+End")
        page.keyboard.insert_text(f"\n{line}")
        parameters.get_by_text(line).wait_for()
    page.evaluate(WATCH, BAR)
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
    page.wait_for_function(f"{PROMPTS}.at(-1) === '[*]:'")
    page.wait_for_function(f"!{PROMPTS}.includes('[*]:')")
    assert page.locator(ERROR).all_inner_texts() == []
    prompts = page.evaluate(PROMPTS)
    assert prompts == [f"[{number}]:" for number in range(1, len(prompts) + 1)]
    said = page.evaluate("window.said")
    assert len(set(said)) > 1 and not any("\n" in one for one in said), said  # it moved, and was written over
    assert re.match(r"Runs: [01]/2 runs, .*embedded (ce|lcl) tiny seed 0: \d+/\d+ steps", said[0]), said
    assert said[-1].startswith("Runs: 2/2 runs")
    figure = page.locator(".jp-RenderedImage img")
    figure.scroll_into_view_if_needed()
    assert figure.bounding_box()["width"] > 300 and figure.evaluate("image => image.naturalWidth") > 300
    page.locator(".lm-TabBar-tab.jp-mod-current.jp-mod-dirty").wait_for()  # the page holds what is not saved
    assert git(clone, "status", "--porcelain") == ""
    assert any((clone / "build" / "quick" / "figures").iterdir()), "it ran here"
