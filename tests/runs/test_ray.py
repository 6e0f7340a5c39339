"""Runs on a Ray cluster of two nodes, one of which is lost."""

import socket
import subprocess
import tempfile

import numpy as np
import pytest
import torch

from lclstudy import paths
from lclstudy.models import encoders
from lclstudy.runs import executors, progress
from lclstudy.runs.grid import run_missing
from lclstudy.runs.store import RunStore
from tests.runs.grids import bursting, specs_of


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    # In a folder of its own, with a short name for its sockets: else what other tests run at this time joins it.
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_prestart_worker_first_driver", "0")  # it would be of another environment than the tasks are
        bare = {"num_cpus": 1, "include_dashboard": False, "no_monitor": True, "include_log_monitor": False}  # starts sooner
        cluster = Cluster(initialize_head=True, head_node_args=bare)
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster
        cluster.shutdown()


class _LosesANode(RunStore):
    """A store that, as the first record is saved, takes away a node that trains."""

    def save(self, record):
        super().save(record)
        if self.node:
            self.cluster.remove_node(self.node, allow_graceful=False)
            self.node = None


def test_a_cluster_that_loses_a_node_trains_every_run_as_serial_does(tmp_path, cluster, monkeypatch, capsys):
    monkeypatch.setenv("JPY_SESSION_NAME", "test")  # so that it soon says how far it is
    monkeypatch.setattr(progress, "TELL_SECONDS", 0)
    grid = [bursting(), *specs_of(("ce", "lcl"), (0, 1))[:3]]
    serial, runs = RunStore(tmp_path / "serial"), _LosesANode(tmp_path / "runs")
    assert run_missing(grid, serial, "serial")[:3] == (3, 0, 1)
    runs.cluster, runs.node = cluster, cluster.add_node(num_cpus=1)
    assert run_missing(grid, runs)[:3] == (3, 0, 1), "auto finds the cluster"
    assert runs.node is None and " steps, " in capsys.readouterr().err
    assert set(runs.frame()["executor"]) == {"ray"}
    assert max(runs.frame()["failure"]).startswith(f"on node {socket.gethostname()}: NonFiniteLoss: ")
    for spec in grid[1:]:
        np.testing.assert_array_equal(runs.load(spec).test_probabilities, serial.load(spec).test_probabilities)


def test_a_start_that_times_out_is_tried_again_and_leaves_nothing(monkeypatch):
    """Ray's own start, which waits for its agents no longer than it likes, cannot be made to time out at will."""
    import ray

    started = []

    def start(**_):
        started.append(subprocess.Popen(["sleep", "60"]))
        if len(started) == 1:
            raise RuntimeError("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", start)
    executors._join_or_start(1)
    assert started[0].wait(10) < 0 and started[1].poll() is None
    started[1].kill()
    started[1].wait()


def test_an_encoder_goes_to_a_node_with_its_files(minilm_folder, tmp_path, monkeypatch):
    from ray import cloudpickle

    here = encoders.load("minilm", [])
    sent = cloudpickle.dumps(here)
    monkeypatch.setattr(paths, "ROOT", tmp_path)  # a node's
    arrived = cloudpickle.loads(sent)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["models"]
    assert arrived.tokenizer("a text")["input_ids"] == here.tokenizer("a text")["input_ids"]
    weights = here.body().state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in arrived.body().state_dict().items())
