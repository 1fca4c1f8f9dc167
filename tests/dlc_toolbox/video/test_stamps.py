"""A clock that goes on where stamps start anew, and only there."""

from types import SimpleNamespace

import pytest

from dlc_toolbox.video.stamps import PacketClock


def read(clock: PacketClock, stamps: list[int], name: str = "pts") -> list[tuple[int | None, bool]]:
    """Read packets of 40 units, of which only one stamp is told, or both, if it is that of decoding."""
    packets = [SimpleNamespace(pts=stamp, dts=stamp if name == "dts" else None, duration=40) for stamp in stamps]
    return [clock.read(packet) for packet in packets]


def test_frames_that_come_after_the_one_behind_a_pause_are_of_the_same_recording():
    stamps = [0, 120, 40, 80, 10240, 160, 200, 10280]
    assert read(PacketClock(False, 2), stamps) == [(stamp, False) for stamp in stamps]


@pytest.mark.parametrize("name", ["pts", "dts"])
def test_a_recording_that_was_joined_on_follows_one_frame_later(name):
    found = read(PacketClock(name == "dts", 2), [0, 40, 80, 10120, 0, 40, 80], name)
    assert found[:4] == [(0, False), (40, False), (80, False), (10120, False)]
    assert found[4:] == [(10160, True), (10200, False), (10240, False)]


def test_one_packet_that_is_behind_no_more_than_may_be_is_not_joined_on():
    assert [restart for _, restart in read(PacketClock(False, 2), [0, 80, 120, 40, 160])] == [False] * 5
    assert [restart for _, restart in read(PacketClock(False, 1), [0, 80, 120, 40, 160])] == [False] * 3 + [True, False]
