"""nwb.yaml: what only people can tell."""

from pathlib import Path

import pytest

from dlc_common import UsersError
from dlc_toolbox.exchange.writers.lab import NOTHING, read_lab

TEXT = """
NWBFile:
  lab: Ours
  session_start_time: 2026-05-01T14:30:00+02:00
Subject: {species: Mus musculus, date_of_birth: 2026-01-31}
videos:
  day 2.avi:
    NWBFile: {session_start_time: 2026-05-02 09:00:00}
    Subject: {subject_id: m2}
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Path:
        (tmp_path / "nwb.yaml").write_text(text)
        return tmp_path / "nwb.yaml"

    return write


def test_what_counts_for_one_video_goes_before_the_rest(written):
    lab = read_lab(written(TEXT))
    assert lab.of(Path("elsewhere/day 2.avi")) == {
        "NWBFile": {"lab": "Ours", "session_start_time": "2026-05-02T09:00:00"},
        "Subject": {"species": "Mus musculus", "date_of_birth": "2026-01-31", "subject_id": "m2"},
    }
    assert lab.of(Path("day1.avi"))["NWBFile"]["session_start_time"].startswith("2026-05-01T14:30:00")
    assert "subject_id" not in lab.of(Path("day1.avi"))["Subject"]


def test_without_anything_nothing_is_told():
    assert NOTHING.of(Path("day1.avi")) == {"NWBFile": {}, "Subject": {}}


@pytest.mark.parametrize("text", ["", "NWBFile:\nSubject:\nvideos:\n"])
def test_an_empty_file_tells_nothing(written, text):
    assert read_lab(written(text)).of(Path("day1.avi")) == {"NWBFile": {}, "Subject": {}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Subjet: {sex: F}", r"nwb\.yaml: Subjet is not known; did you mean Subject\?"),
        ("mouse: {sex: F}", r"mouse is not known; known are NWBFile, Subject, videos"),
        ("Subject: m1", r"nwb\.yaml: Subject holds 'm1'; write names and values, such as `subject_id: m1`"),
        ("videos: [day1.avi]", r"videos must hold names of videos, each with NWBFile and Subject"),
        ("videos: {day1.avi: {subject_id: m1}}", r"nwb\.yaml: day1\.avi: subject_id is not known"),
        ("a: [", r"nwb\.yaml cannot be read as yaml"),
    ],
)
def test_what_is_wrong_is_said(written, text, message):
    with pytest.raises(UsersError, match=message):
        read_lab(written(text))


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UsersError, match=r"nwb\.yaml cannot be read as yaml"):
        read_lab(tmp_path / "nwb.yaml")
