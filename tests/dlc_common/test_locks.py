import logging
import threading
import time
from pathlib import Path

import pytest

from dlc_common import UsersError
from dlc_common.locks import alone, alone_or_refused, try_lock


def test_one_at_a_time_and_the_other_says_that_it_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    settings = tmp_path / "myconfig.py"
    settings.write_text("Task = 'toy'")
    order = []

    def work() -> None:
        with alone(settings):
            order.append("second")

    with alone(settings):
        other = threading.Thread(target=work)
        other.start()
        while "Waiting for another process" not in caplog.text:
            time.sleep(0.01)
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    assert settings.read_text() == "Task = 'toy'"


def test_a_lock_is_free_again_when_its_file_is_closed(tmp_path: Path):
    path = tmp_path / "rows"
    path.touch()
    with path.open("rb") as first, path.open("rb") as second:
        assert try_lock(first)
        assert not try_lock(second)
    with path.open("rb") as third:
        assert try_lock(third)


def test_two_trainings_do_not_mix(tmp_path: Path):
    config = tmp_path / "pose_cfg.yaml"
    config.write_text("seed: 1")
    with (
        alone_or_refused(config, "wait"),
        pytest.raises(UsersError, match=r"another process works with .*pose_cfg\.yaml: wait"),
        alone_or_refused(config, "wait"),
    ):
        pass
    with alone_or_refused(config, "wait"):
        assert config.read_text() == "seed: 1"
