"""How far off the poses of a video may be, beside its pose table."""

import json
import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dlc_common.fingerprints import fingerprint
from dlc_toolbox import ToolboxError
from dlc_toolbox.analysis import partial
from dlc_toolbox.analysis.confidence import Summary
from dlc_toolbox.measure.confidence import fit_calibration
from dlc_toolbox.measure.posture import Postures
from dlc_toolbox.poses.filter import find_poses
from dlc_toolbox.poses.radius import UNSEEN
from dlc_toolbox.poses.trust import CONFIDENCE, Looked, Trust, calibration_file, write_calibration
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import confidence_table, pose_record, pose_rows
from dlc_toolbox.project.tables import points, read_table
from tests.analyze import analyze

PARTS = ("nose", "paw", "tail")
POSTURES = Postures(np.zeros(6), np.tile(np.eye(2), (3, 1)) * 100, 1.0)
OUTDATED = "its poses were found before the last evaluation told how far off they may be; AnalyzeVideos.py --overwrite"


class Telling:
    """Finds the toy's dots, and tells about its maps numbers that depend on where they are."""

    def __init__(self, find_dots, dies_after=10**9):
        self.find_dots, self.calls, self.dies_after = find_dots, 0, dies_after

    def __call__(self, frames):
        return self.with_features(frames)[0]

    def with_features(self, frames):
        self.calls += 1
        if self.calls > self.dies_after:
            raise KeyboardInterrupt
        poses = self.find_dots(frames)
        poses[..., 2] = 0.2 + poses[..., 0] / 200
        second = poses[..., 1] / 200
        features = np.stack([poses[..., 2], second, 50 * second, 10 + second], axis=-1)
        return poses, features.astype(np.float32)


@pytest.fixture
def trust() -> Trust:
    """Errors of 20 px at a likelihood of 0.2, falling to 1 px; a third of the least likely poses has no label."""
    rng = np.random.default_rng(0)
    features = rng.uniform(0.2, 1, (200, 3, 4))
    errors = 20 ** (1.25 - 1.25 * features[..., 0]) * np.exp(rng.normal(0, 0.1, (200, 3)))
    errors[(features[..., 0] < 0.4) & (rng.random((200, 3)) < 1 / 3)] = np.nan
    return Trust(PARTS, fit_calibration(features, errors), wanted_px=5.0)


@pytest.fixture
def calibrated(network, trust):
    """The toy's network, after an evaluation."""
    evaluate(network, trust)
    return network


def evaluate(network, trust):
    path = calibration_file(network.config_path.parent)
    write_calibration(path, trust, 100, Looked(fingerprint(network.snapshot.path)), images=200, labels=500)


def expected_confidence(table, trust):
    poses = points(read_table(table), PARTS)
    second = poses[..., 1] / 200
    features = np.stack([poses[..., 2], second, 50 * second, 10 + second], axis=-1)
    return trust.confidence(poses, features), trust.visible(features)


def test_at_another_scale_than_was_evaluated_it_is_not_known(video, calibrated, find_dots, caplog):
    caplog.set_level(logging.INFO)
    at_scale = replace(calibrated, config={"analysisscale": 0.5})
    table = analyze(video, Telling(find_dots), at_scale)
    assert not confidence_table(table).exists()
    (told,) = json.loads(pose_record(table).read_text())["confidence"].items()
    assert told[0] == "unknown"
    assert told[1].startswith("it was learned with images at a scale of 1, not 0.5: run Evaluation-tools/Step1_")
    assert "may be is not known: it was learned with images at a scale of 1, not 0.5" in caplog.text


def test_every_pose_has_its_expected_error_beside_it(video, calibrated, find_dots, trust, caplog):
    caplog.set_level(logging.INFO)
    table = analyze(video, Telling(find_dots), calibrated, csv=True)
    found = read_table(confidence_table(table), CONFIDENCE)
    expected, visible = expected_confidence(table, trust)
    assert found.index.tolist() == list(range(30))
    np.testing.assert_allclose(points(found, PARTS, CONFIDENCE), expected, rtol=1e-3)
    assert np.isfinite(expected[..., :2]).all() and np.isnan(expected[..., 2:]).all()
    assert read_table(table).shape == (30, 9)  # the pose table keeps its three columns
    lines = confidence_table(table).with_suffix(".csv").read_text().splitlines()
    assert len(lines) == 33 and lines[2].startswith("coords,error_px,radius90_px,views_px,posture_px,error_px")
    near = (expected[..., 0] <= 5) & (visible >= 0.5)
    share = near.sum() / (visible >= 0.5).sum()
    assert 0.2 < share < 0.9
    assert (
        f"where the body parts are visible, {share:.0%} of the poses in 30 frames are expected within 5 px"
        in caplog.text
    )
    record = json.loads(pose_record(table).read_text())["confidence"]
    assert record["share_within"] == round(share, 4) and record["wantederror"] == 5
    assert record["parts"]["paw"]["visible_frames"] == (visible[:, 1] >= 0.5).sum()


def test_a_long_video_is_written_piece_by_piece(video, calibrated, find_dots, monkeypatch):
    table = analyze(video, Telling(find_dots), calibrated, csv=True)
    whole = read_table(table), read_table(confidence_table(table), CONFIDENCE), table.with_suffix(".csv").read_bytes()
    record = json.loads(pose_record(table).read_text())
    monkeypatch.setattr(partial, "_ROWS_AT_ONCE", 7)
    analyze(video, Telling(find_dots), calibrated, overwrite=True, csv=True)
    pd.testing.assert_frame_equal(read_table(table), whole[0])
    pd.testing.assert_frame_equal(read_table(confidence_table(table), CONFIDENCE), whole[1])
    assert table.with_suffix(".csv").read_bytes() == whole[2]
    again = json.loads(pose_record(table).read_text())
    assert {key for key in record if record[key] != again[key]} <= {
        *("outputs", "duration_s", "decoding_frames_per_s", "inference_frames_per_s", "written", "created")
    }


def test_a_killed_analysis_loses_nothing(video, calibrated, find_dots):
    whole = read_table(confidence_table(analyze(video, Telling(find_dots), calibrated, batch_size=4)), CONFIDENCE)
    with pytest.raises(KeyboardInterrupt):
        analyze(video, Telling(find_dots, dies_after=5), calibrated, batch_size=4, overwrite=True)
    again = Telling(find_dots)
    table = analyze(video, again, calibrated, batch_size=4, overwrite=True)
    assert again.calls == 3  # eight batches, five of which were found before
    assert read_table(confidence_table(table), CONFIDENCE).equals(whole)


def test_an_analysis_that_was_killed_before_its_record_is_not_current(video, network, find_dots, monkeypatch):
    table = analyze(video, find_dots, network)
    whole = read_table(table)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(records.Output, "write_record", interrupt)
        analyze(video, find_dots, network, crop=(0, 70, 0, 120))
    with pytest.raises(ToolboxError, match=r"is of an analysis that was not finished: run AnalyzeVideos\.py again"):
        find_poses(video, network)
    assert read_table(analyze(video, find_dots, network)).equals(whole)


def test_rows_of_an_earlier_version_are_dropped_with_a_line(video, network, find_dots, caplog):
    caplog.set_level(logging.INFO)
    table = analyze(video, find_dots, network)
    table.unlink()
    rows = pose_rows(table)
    rows.write_bytes(b'{"batch_size": 64}\n' + bytes(500))
    analyze(video, find_dots, network)
    assert f"{rows.name}: dropped, it was begun with other settings or by another version" in caplog.text


def test_without_a_calibration_nothing_is_written_and_an_earlier_table_goes(video, calibrated, find_dots, caplog):
    caplog.set_level(logging.INFO)
    table = analyze(video, Telling(find_dots), calibrated, csv=True)
    calibration_file(calibrated.config_path.parent).unlink()
    analyze(video, Telling(find_dots), calibrated, csv=True, overwrite=True)
    assert not confidence_table(table).exists() and not confidence_table(table).with_suffix(".csv").exists()
    reason = "the network was not evaluated, or before this was learned: run Evaluation-tools/Step1"
    assert f"toy.avi: how far off its poses may be is not known: {reason}" in caplog.text
    assert json.loads(pose_record(table).read_text())["confidence"]["unknown"].startswith(reason)


def test_a_network_that_tells_nothing_about_its_maps_has_no_expected_error(video, calibrated, find_dots, caplog):
    caplog.set_level(logging.INFO)
    analyze(video, find_dots, calibrated)
    assert (
        "is not known: in no frame a body part is visible, or the network tells nothing about its maps" in caplog.text
    )


def test_poses_found_before_it_was_known_are_kept_and_it_says_so(video, network, find_dots, trust, caplog, request):
    caplog.set_level(logging.INFO)
    table = analyze(video, Telling(find_dots), network)
    request.getfixturevalue("calibrated")
    analyze(video, lambda frames: pytest.fail("asked"), network)
    assert f"{table.name}: {OUTDATED}" in caplog.text


def test_a_table_of_an_earlier_evaluation_is_kept_and_it_says_so(video, calibrated, find_dots, trust, caplog):
    caplog.set_level(logging.INFO)
    evaluate(calibrated, replace(trust, calibration="few labels", postures=POSTURES))
    table = analyze(video, Telling(find_dots), calibrated)
    found = points(read_table(confidence_table(table), CONFIDENCE), PARTS, CONFIDENCE)
    assert np.isnan(found[..., :2]).all() and np.isfinite(found[..., 3]).all()
    for known in (trust, replace(trust, wanted_px=2.0)):
        analyze(video, Telling(find_dots), calibrated)
        assert OUTDATED not in caplog.text
        evaluate(calibrated, known)
        analyze(video, Telling(find_dots), calibrated)
        assert f"{table.name}: {OUTDATED}" in caplog.text
        analyze(video, Telling(find_dots), calibrated, overwrite=True)
        caplog.clear()
    assert json.loads(pose_record(table).read_text())["confidence"]["wantederror"] == 2


def test_a_table_of_an_earlier_version_counts_unless_its_summary_contradicts(
    video, calibrated, find_dots, trust, caplog
):
    caplog.set_level(logging.INFO)
    record = pose_record(analyze(video, Telling(find_dots), calibrated))
    written = json.loads(record.read_text())
    del written["trust"]
    summary = written["confidence"]
    for told, outdated in (
        (summary, False),
        ({"unknown": UNSEEN}, False),
        ({"unknown": "few labels"}, True),
        ({**summary, "wantederror": 2.0}, True),
    ):
        record.write_text(json.dumps({**written, "confidence": told}))
        caplog.clear()
        analyze(video, Telling(find_dots), calibrated)
        assert (OUTDATED in caplog.text) is outdated, told


def test_a_csv_that_is_wanted_later_is_written(video, calibrated, find_dots):
    table = analyze(video, Telling(find_dots), calibrated)
    text = confidence_table(table).with_suffix(".csv")
    assert not text.exists()
    analyze(video, lambda frames: pytest.fail("asked"), calibrated, csv=True)
    assert len(text.read_text().splitlines()) == 33


def test_summary_by_hand(trust):
    summary = Summary(trust)
    errors = np.array([[1.0, 9.0, 3.0], [5.0, 2.0, np.nan], [7.0, 8.0, 3.0]])
    found = np.full((3, 3, 4), np.nan)
    found[..., 0] = errors
    visible = np.array([[1.0, 0.5, 0.4], [0.9, 0.8, 1.0], [0.7, 0.6, 0.1]])
    summary.add(found[:2], visible[:2])
    summary.add(found[2:], visible[2:])
    assert summary.in_words() == (
        "where the body parts are visible, 50% of the poses in 3 frames are expected within 5 px; worst part paw, 33%; "
        "never visible: tail"
    )
    assert summary.as_json() == {
        "wantederror": 5.0,
        "share_within": 0.5,
        "parts": {
            "nose": {"visible_frames": 3, "share_within": 0.6667},
            "paw": {"visible_frames": 3, "share_within": 0.3333},
            "tail": {"visible_frames": 0, "share_within": None},
        },
    }
