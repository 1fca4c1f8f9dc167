"""Signals that end a process, raised in this one."""

import signal

import pytest

from dlc_common.signals import ending, ending_as_ctrl_c

KILLING = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]


@pytest.fixture(autouse=True)
def usual():
    """The signals do what they do by default, whatever runs the tests, such as nohup."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in KILLING}
    yield
    for number, answer in before.items():
        signal.signal(number, answer)


@pytest.mark.parametrize("number", KILLING)
def test_what_would_kill_interrupts_once(number):
    cleared = []
    with pytest.raises(KeyboardInterrupt), ending_as_ctrl_c():
        try:
            signal.raise_signal(number)
        finally:
            for other in KILLING:
                signal.raise_signal(other)
            cleared.append(True)
    assert cleared
    assert all(signal.getsignal(number) is signal.SIG_DFL for number in KILLING)


@pytest.mark.parametrize("answer", [signal.SIG_IGN, lambda *_: None])
@pytest.mark.parametrize("number", KILLING)
def test_what_is_ignored_or_answered_is_left_alone(number, answer):
    signal.signal(number, answer)
    with ending_as_ctrl_c():
        signal.raise_signal(number)
        assert number not in ending()
    assert signal.getsignal(number) is answer


def test_what_ends_a_process():
    assert ending() == [signal.SIGINT, *KILLING]
    with ending_as_ctrl_c():
        assert ending() == [signal.SIGINT, *KILLING]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert ending() == KILLING
    finally:
        signal.signal(signal.SIGINT, before)
