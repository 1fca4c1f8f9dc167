"""NWB: the file as pynwb and nwbinspector read it."""

import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import h5py
import numpy as np
import pytest

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.writers import nwb
from dlc_toolbox.exchange.writers import poses as module
from dlc_toolbox.exchange.writers.formats import FORMATS, export_poses
from tests.dlc_toolbox.exchange.writers.toy import STEM

pynwb = pytest.importorskip("pynwb")
pytest.importorskip("ndx_pose")
LAB = {
    "NWBFile": {"session_start_time": "2026-05-01T14:30:00+02:00", "experimenter": ["Example, Ann"], "notes": "Calm."},
    "Subject": {"subject_id": "m1", "species": "Mus musculus", "sex": "F", "age": "P90D"},
}


@pytest.fixture
def read():
    """``read(path)``: the session in a file, which stays open until the test is over."""
    opened = []

    def open_file(path):
        opened.append(pynwb.NWBHDF5IO(path, "r"))
        return opened[-1].read()

    yield open_file
    for file in opened:
        file.close()


def written(poses, folder=None):
    return export_poses(poses, "nwb", folder)[0]


def test_every_value_is_at_its_place(poses, values, trust, read, monkeypatch):
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 7)
    path = written(replace(poses, lab=LAB))
    assert path.name == f"{STEM}.nwb"
    behavior = read(path).processing["behavior"]
    found = behavior["PoseEstimation"]
    assert list(found.pose_estimation_series) == ["nose", "paw", "tail"] == list(found.skeleton.nodes[:])
    assert found.skeleton.edges[:].tolist() == [[0, 2]]
    assert found.scorer == "DeepCut_resnet50_toyJan1shuffle1_100"
    tail = found["tail"]
    assert (tail.rate, tail.starting_time, tail.unit) == (25, 0, "pixels")
    assert tail.data[8].tolist() == [22, 102] and tail.confidence[8] == 0.25
    for k, part in enumerate(poses.bodyparts):
        np.testing.assert_array_equal(found[part].data[:], values[:, k, :2])
        np.testing.assert_array_equal(found[part].confidence[:], values[:, k, 2])
    np.testing.assert_array_equal(behavior["error_px"].data[:], trust[..., 0])
    np.testing.assert_array_equal(behavior["radius90_px"].data[:], trust[..., 1])


def test_what_the_lab_tells_and_the_video(poses, read, video, tmp_path):
    session = read(written(replace(poses, lab=LAB), tmp_path / "out"))
    assert session.session_start_time == datetime(2026, 5, 1, 14, 30, tzinfo=timezone(timedelta(hours=2)))
    assert (session.experimenter, session.notes) == (("Example, Ann",), "Calm.")
    assert session.session_description == "Poses of toy.avi by the network DeepCut_resnet50_toyJan1shuffle1_100."
    assert (session.subject.subject_id, session.subject.age) == ("m1", "P90D")
    recording = session.processing["behavior"]["PoseEstimation"].source_video
    place = tmp_path / "out" / recording.external_file[0]
    assert recording is session.acquisition["video"] and place.samefile(video)
    assert recording.dimension[:].tolist() == [160, 120]


def test_without_a_start_it_says_so(poses, read, video, caplog):
    os.utime(video, (1_700_000_000, 1_700_000_000))
    session = read(written(replace(poses, lab={"NWBFile": {"notes": "Calm."}, "Subject": {}})))
    assert session.session_start_time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    assert session.notes == (
        "Calm. session_start_time is not known: it is when the file of the video was last changed."
    )
    assert session.subject is None
    assert "when its file was last changed, 2023-11-14T22:13:20+00:00. Write the right one into nwb.yaml" in caplog.text


def test_the_recording_s_own_start_counts(poses, read, monkeypatch):
    made = datetime(2025, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    monkeypatch.setattr(nwb, "recorded_at", lambda video: made)
    session = read(written(poses))
    assert session.session_start_time == made and session.notes is None


def test_uneven_times_are_shared_by_the_parts(poses, read):
    times = [round(0.04 * n + (0.5 if n > 9 else 0), 6) for n in range(30)]
    session = read(written(replace(poses, record={**poses.record, "frame_times_s": times})))
    found = session.processing["behavior"]["PoseEstimation"]
    assert found["nose"].timestamps[:].tolist() == times and found["nose"].rate is None
    assert found["tail"].timestamps is found["nose"].timestamps


def test_pixels_that_are_not_square_are_told(poses, read):
    session = read(written(replace(poses, record={**poses.record, "pixel_aspect": 1.0667})))
    assert session.processing["behavior"]["PoseEstimation"]["paw"].comments.startswith("Pixels are not square, 1.067")


def test_without_a_rate_there_is_no_file(poses, tmp_path):
    unknown = replace(poses, record={**poses.record, "fps_is_assumed": True})
    with pytest.raises(ToolboxError, match=r"toy\.avi: NWB needs times in seconds, and nothing tells .* Set fps in"):
        export_poses(unknown, "nwb", tmp_path)
    assert list(tmp_path.glob("*.nwb*")) == []


@pytest.mark.parametrize(
    ("lab", "message"),
    [
        ({"NWBFile": {"experimentor": "Ann"}}, r"nwb\.yaml: NWBFile does not fit: .*experimentor"),
        ({"Subject": {"sexe": "F"}}, r"nwb\.yaml: Subject does not fit: .*sexe"),
        ({"NWBFile": {"session_start_time": "May"}}, r"session_start_time is 'May'; write it as 2026-05-01T14:30:00\+"),
    ],
)
def test_what_pynwb_does_not_know_is_named(poses, lab, message, tmp_path):
    with pytest.raises(UsersError, match=message):
        export_poses(replace(poses, lab=lab), "nwb", tmp_path)
    assert list(tmp_path.glob("*.nwb*")) == []


def test_a_time_without_zone_is_of_this_machine(poses, read):
    session = read(written(replace(poses, lab={"NWBFile": {"session_start_time": "2026-05-01T14:30:00"}})))
    assert session.session_start_time == datetime(2026, 5, 1, 14, 30).astimezone()


def test_other_words_of_the_lab_make_it_stale(poses, caplog):
    caplog.set_level("INFO")
    written(replace(poses, lab=LAB))
    written(replace(poses, lab=LAB))
    assert f"{STEM}.nwb: skipped, it is current" in caplog.text
    written(replace(poses, lab={**LAB, "Subject": {"subject_id": "m2"}}))
    assert f"{STEM}.nwb: being made, because lab changed" in caplog.text


def test_values_are_stored_in_pieces_with_checksums(poses):
    with h5py.File(written(poses)) as file:
        data = file["processing/behavior/PoseEstimation/nose/data"]
        assert data.fletcher32 and data.compression == "gzip" and data.dtype == np.float64


def test_nwbinspector_finds_nothing(poses):
    inspector = pytest.importorskip("nwbinspector")
    more = {"institution": "Somewhere", "keywords": ["gait"], "experiment_description": "Treadmill."}
    lab = {"NWBFile": LAB["NWBFile"] | more, "Subject": LAB["Subject"] | {"description": "A mouse."}}
    found = list(inspector.inspect_nwbfile(nwbfile_path=written(replace(poses, lab=lab))))
    assert [f"{message.check_function_name}: {message.message}" for message in found] == []


def test_the_format_names_what_it_needs():
    assert FORMATS["nwb"].packages == ("pynwb", "ndx_pose") and FORMATS["nwb"].extra == "nwb"
