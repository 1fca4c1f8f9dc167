"""Work in processes of its own."""

import gc
import os
import sys
import time
import warnings

import pytest

from dlc_common import UsersError
from dlc_toolbox.labeling.errors import BusyError
from dlc_toolbox.labeling.events import Events
from dlc_toolbox.labeling.help.background import Jobs
from dlc_toolbox.labeling.help.help import Help, HelpKind

SAYS = """
import json, sys
print("loading", flush=True)
print(json.dumps({"progress": 0.5, "message": "half of it"}), flush=True)
print("{no json}", file=sys.stderr, flush=True)
"""
WAITS = "import time; print('{\"progress\": 0.25}', flush=True); time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITS


def python(code: str) -> list[str]:
    return [sys.executable, "-u", "-c", code]


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def jobs(events):
    jobs = Jobs(events)
    yield jobs
    jobs.close()


def wait_for(happens) -> None:
    deadline = time.monotonic() + 20
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_a_process_said_through_is_closed(jobs):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        jobs.start("suggest", python(SAYS)).wait(20)
        jobs._jobs.clear()
        gc.collect()
    assert [str(warning.message) for warning in warned] == []


def test_progress_and_log(jobs, events):
    told = []
    events.listen(lambda kind, data: told.append((kind, data["state"])))
    job = jobs.start("suggest", python(SAYS))
    job.wait(20)
    found = job.as_json()
    assert found == {
        "id": job.id,
        "kind": "suggest",
        "state": "done",
        "progress": 1.0,
        "message": "half of it",
        "log": ["loading", "{no json}"],
    }
    assert told[0] == ("job", "running")
    assert told[-1] == ("job", "done")
    assert jobs.as_json() == [found]


def test_one_that_fails_says_why(jobs):
    job = jobs.start("helper", python("raise SystemExit('no network fits')"))
    job.wait(20)
    assert (job.as_json()["state"], job.as_json()["message"]) == ("failed", "no network fits")


@pytest.mark.skipif(os.name == "nt", reason="signals are told on POSIX systems alone")
def test_one_that_was_killed_says_so_and_not_what_it_said_before(jobs):
    job = jobs.start("helper", python("import os; print('all is well', flush=True); os.kill(os.getpid(), 9)"))
    job.wait(20)
    message = "It was ended from outside (signal 9), as systems do when memory runs short"
    assert (job.as_json()["state"], job.as_json()["message"]) == ("failed", message)


@pytest.mark.parametrize("code", [WAITS, DEAF])
def test_cancelled(jobs, code, monkeypatch):
    monkeypatch.setattr("dlc_toolbox.labeling.help.background._PATIENCE_S", 0.3)
    job = jobs.start("helper", python(code))
    wait_for(lambda: job.as_json()["progress"] == 0.25)
    assert jobs.cancel(job.id) is job
    job.wait(20)
    assert (job.as_json()["state"], job.as_json()["message"]) == ("cancelled", "Cancelled")


def test_one_at_a_time(jobs):
    job = jobs.start("helper", python(WAITS))
    with pytest.raises(BusyError, match="one job at a time"):
        jobs.start("suggest", python(SAYS))
    job.cancel()
    job.wait(20)
    jobs.start("suggest", python(SAYS)).wait(20)
    assert [found["state"] for found in jobs.as_json()] == ["cancelled", "done"]


def test_a_program_that_is_not_there(jobs):
    with pytest.raises(UsersError, match=r"no-such-program cannot be started: No such file"):
        jobs.start("helper", ["no-such-program"])


class TestHelp:
    def test_says_why_not(self, jobs):
        def broken() -> str:
            raise UsersError("no snapshot")

        kinds = {
            "suggest": HelpKind(lambda: python(SAYS), broken),
            "helper": HelpKind(lambda: python(SAYS), lambda: None),
        }
        help = Help(jobs, kinds, lambda: {"iteration": 250, "images": 20})
        found = help.as_json()
        assert (found["can_suggest"], found["why_not_suggest"]) == (False, "no snapshot")
        assert (found["can_train"], found["why_not_train"]) == (True, None)
        assert found["helper"] == {"iteration": 250, "images": 20}
        with pytest.raises(UsersError, match="no snapshot"):
            help.start("suggest")
        job = help.start("helper")
        job.wait(20)
        assert help.as_json()["jobs"] == [job.as_json()]

    def test_without_any(self, jobs):
        help = Help(jobs)
        assert help.as_json()["why_not_suggest"] == "this help is not installed"
        with pytest.raises(UsersError, match="this help is not installed"):
            help.start("suggest")
