"""Many designs at once: the same results in the same order, a lost process survived, Ctrl-C
clean.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from onceproof.base import store
from onceproof.base.parallel import Gone, over_cluster, over_processes
from onceproof.base.paths import NoCluster
from onceproof.report.formats.json import to_json
from onceproof.verdict import decide
from onceproof.verdict.check import Means, check
from onceproof.verdict.result import Verdict
from onceproof.verdict.task import Options

from support.own_store import run
from support.repo import ROOT
from support.trap import SAFE, UNSAFE


def _folder(tmp_path: Path, many: int = 4) -> Path:
    place = tmp_path / "designs"
    place.mkdir()
    for n in range(many):
        (place / f"d{n}.once").write_text(
            (SAFE, UNSAFE)[n % 2].replace("mail", f"mail{n}"), encoding="utf-8"
        )
    (place / "broken.once").write_text("effect\n", encoding="utf-8")
    return place


def test_several_processes_print_what_one_prints(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    one = run(folder, "check", ".", "--no-cache")
    assert run(folder, "check", ".", "--no-cache", "-j", "3") == one
    assert one[0] == 2
    assert run(folder, "check", ".", "-j", "2", "--cluster", "tcp://scheduler:1")[0] == 2


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("theory/saga", marks=pytest.mark.slow),
        "article/invoice_email",
        "theory/atomic_dedup",
    ],
)
def test_claims_of_one_design_over_processes_are_those_of_one(name: str) -> None:
    """With more claims than processes, and with more processes than claims and guarantees."""
    path = str(ROOT / "examples" / f"{name}.once")
    shown = []
    for jobs in (1, 2, 16):
        result = check(path, Options(explain=True, digests=True), means=Means(jobs=jobs))
        document = json.loads(to_json(result))
        for cell in document["results"]:
            cell["timing"] = None
        shown.append(document)
    assert shown[1] == shown[0]
    assert shown[2] == shown[0]


def test_a_claim_whose_process_dies_is_undecided_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = decide.judge_claim

    def deadly(lowered: Any, claim: Any, *given: Any) -> Any:
        if claim.kind == "no-loss":
            os.kill(os.getpid(), signal.SIGKILL)
        return honest(lowered, claim, *given)

    monkeypatch.setattr(decide, "judge_claim", deadly)
    path = str(ROOT / "examples" / "article" / "invoice_email.once")
    (design,) = check(path, Options(), means=Means(jobs=2)).designs
    for cell in design.cells:
        assert (cell.reason == "the process that worked on it was killed") == (
            cell.kind == "no-loss"
        )


def _square(n: int) -> int:
    return n * n


def _deadly(task: tuple[int, str]) -> int:
    """Kills its process: always for 2, and once for 5."""
    number, folder = task
    mark = Path(folder) / "killed"
    if number == 2 or (number == 5 and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_killed_process_loses_no_other_task(tmp_path: Path) -> None:
    assert sorted(over_processes(_square, range(6), 3)) == [(n, n * n) for n in range(6)]
    done = dict(over_processes(_deadly, [(n, str(tmp_path)) for n in range(7)], 2))
    assert done == {n: n if n != 2 else Gone.LOST for n in range(7)}


def test_a_design_whose_process_is_killed_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _folder(tmp_path, 2)
    module = sys.modules["onceproof.verdict.check"]
    honest = module.check_loaded

    def deadly(loaded: object, options: Options) -> object:
        if loaded.path.endswith("d1.once"):  # type: ignore[attr-defined]
            os.kill(os.getpid(), signal.SIGKILL)
        return honest(loaded, options)

    monkeypatch.setattr(module, "check_loaded", deadly)
    result = check(folder, Options(), means=Means(jobs=2))
    found = {Path(d.path).name: [(c.verdict, c.reason) for c in d.cells] for d in result.designs}
    assert [v for v, _ in found["d0.once"]] == [Verdict.HOLDS]
    assert found["d1.once"] == [(Verdict.UNKNOWN, "the process that worked on it was killed")]


@pytest.mark.slow
def test_ctrl_c_ends_all_processes(tmp_path: Path) -> None:
    folder = _folder(tmp_path, 2)
    slow = (
        "import os, signal, sys, time\nfrom onceproof.cli.main import main\nimport"
        " onceproof.verdict.check\n"
    )
    slow += "m = sys.modules['onceproof.verdict.check']\nhonest = m.check_loaded\n"
    slow += (
        "def sleepy(loaded, options):\n    if loaded.path.endswith('d1.once'):\n       "
        " time.sleep(600)\n"
    )
    slow += "    return honest(loaded, options)\n"
    slow += "m.check_loaded = sleepy\n"
    slow += "sys.exit(main(['check', '.', '-j', '2', '--no-cache', '-q']))\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "checker"), "PYTHONUTF8": "1"}
    child = subprocess.Popen(
        [sys.executable, "-c", slow],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(3)
    os.killpg(child.pid, signal.SIGINT)
    printed, errors = child.communicate(timeout=30)
    assert child.returncode == 130, errors
    assert "d0.once" in printed
    assert "Traceback" not in errors
    assert _gone(child.pid)


def _gone(group: int) -> bool:
    """Nobody of a group of processes is left, after a moment."""
    for _ in range(50):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(NoCluster, match="the extra `cluster`"):
        list(over_cluster(_square, [1], "tcp://scheduler:1", "v"))


@pytest.mark.slow
def test_a_real_cluster_gives_the_same_results_although_a_worker_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    folder = _folder(tmp_path, 8)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    local = check(".", Options())
    settings = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "processes": True,
        "dashboard_address": None,
    }
    with distributed.LocalCluster(**settings) as cluster:
        with pytest.raises(NoCluster, match="another version"):
            list(over_cluster(_square, [1], cluster.scheduler_address, "another"))
        with (
            pytest.raises(NoCluster, match="has no workers"),
            distributed.LocalCluster(**settings | {"n_workers": 0}) as empty,
        ):
            list(over_cluster(_square, [1], empty.scheduler_address, store.fingerprint()))
        told: list[str] = []
        pids = distributed.Client(cluster).run(os.getpid)
        assert store.fingerprint() == next(
            iter(distributed.Client(cluster).run(store.fingerprint).values())
        )

        def progress(what: str, states: int, transitions: int) -> None:
            if not told:
                os.kill(
                    next(iter(pids.values())), signal.SIGKILL
                )  # in the middle: after the first result
            told.append(what)

        remote = check(".", Options(), progress, Means(cluster=cluster.scheduler_address))
    assert len(told) == len(local.designs)
    assert [
        (d.path, [(c.claim, c.verdict, c.trace, c.invariant) for c in d.cells])
        for d in remote.designs
    ] == [
        (d.path, [(c.claim, c.verdict, c.trace, c.invariant) for c in d.cells])
        for d in local.designs
    ]
