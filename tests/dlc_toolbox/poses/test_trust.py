"""What is known of a network's poses, written and read, and for whom it counts."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dlc_common.fingerprints import fingerprint
from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.confidence import fit_calibration
from dlc_toolbox.measure.metrics import NEVER, is_confident
from dlc_toolbox.measure.posture import fit_postures
from dlc_toolbox.measure.views import fit_planes
from dlc_toolbox.poses.network import Network
from dlc_toolbox.poses.trust import (
    CONFIDENCE,
    STEPS,
    Looked,
    Trust,
    calibration_file,
    cutoffs_of,
    read_trust,
    write_calibration,
)

PARTS = ("nose_top", "tail_top", "nose_side", "tail_side")
VIEWS = (("nose_top", "nose_side"), ("tail_top", "tail_side"))
CROP = (10, 110, 20, 120)


def make_labels(images: int = 60) -> np.ndarray:
    """Two points in two views that share x; the tail is 20 px behind the nose."""
    x, y, z = np.random.default_rng(0).uniform(20, 200, (3, images))
    nose_top, nose_side = np.stack([x, y], -1), np.stack([x, z], -1)
    return np.stack([nose_top, nose_top - [20, 0], nose_side, nose_side - [20, 0]], axis=1)


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.1, 0.9, (60, 4, 4))


@pytest.fixture
def trust(features) -> Trust:
    labels = make_labels()
    errors = np.array([1.0, 2.0, 4.0, 8.0]) * np.exp(-features[..., 0])
    planes, _ = fit_planes(labels[:, [[0, 2], [1, 3]]])
    return Trust(
        bodyparts=PARTS,
        calibration=fit_calibration(features, errors),
        views=VIEWS,
        planes=tuple(planes),
        postures=fit_postures(labels, np.random.default_rng(0)),
        crop=CROP,
        pcutoffs={"nose_top": 0.5, "tail_top": 0.25, "nose_side": None, "tail_side": 0.75},
        wanted_px=4.0,
    )


@pytest.fixture
def network(tmp_path) -> Network:
    snapshot = tmp_path / "snapshot-100.weights.h5"
    snapshot.write_bytes(b"weights")
    return Network("DLC", PARTS, tmp_path / "pose_cfg.yaml", SimpleNamespace(iteration=100, path=snapshot), {})


@pytest.fixture
def path(network, trust):
    path = calibration_file(network.config_path.parent)
    write_calibration(path, trust, 100, Looked(fingerprint(network.snapshot.path), crop=CROP), images=60, labels=240)
    return path


def test_what_is_written_is_read(path, network, trust, features):
    found = read_trust(network, CROP)
    assert (found.bodyparts, found.views, found.crop, found.wanted_px) == (PARTS, VIEWS, CROP, 4)
    poses = np.concatenate([make_labels() + [10, 20], np.ones((60, 4, 1))], axis=-1)
    np.testing.assert_array_equal(found.confidence(poses, features), trust.confidence(poses, features))
    entry = json.loads(path.read_text())["snapshots"]["100"]
    assert (entry["images"], entry["labels"], entry["precision"], entry["scale"]) == (60, 240, "float32", 1)


def test_the_fingerprint_is_of_what_shapes_a_table(path, network, trust):
    learned = read_trust(network, CROP).fingerprint
    write_calibration(path, trust, 200, Looked("hash", crop=CROP), images=9, labels=40)
    assert read_trust(network, CROP).fingerprint == learned == trust.fingerprint
    assert replace(trust, pcutoffs=None).fingerprint == learned
    for change in ({"calibration": "few"}, {"wanted_px": 5.0}, {"planes": ()}, {"postures": "few"}, {"crop": None}):
        assert replace(trust, **change).fingerprint != learned
    assert len({replace(trust, calibration=why, postures=why).fingerprint for why in ("few", "fewer")}) == 1


def test_poses_of_the_full_frame_are_compared_with_labels_of_the_crop(trust, features):
    poses = np.concatenate([make_labels() + [10, 20], np.ones((60, 4, 1))], axis=-1)
    poses[5, 2, 0] += 30  # nose_side, along what the views share
    found = dict(zip(CONFIDENCE, np.moveaxis(trust.confidence(poses, features), -1, 0), strict=True))
    np.testing.assert_allclose(found["views_px"][5], [30, 0, 30, 0], atol=1e-6)
    assert found["posture_px"][5, 2] == pytest.approx(30, rel=0.1)
    np.testing.assert_allclose(np.delete(found["views_px"], 5, axis=0), 0, atol=1e-6)
    assert (np.delete(found["posture_px"], 5, axis=0) < 1).all()


def test_a_network_with_its_parts_in_another_order_is_told_the_same(path, network, trust, features):
    order = [2, 0, 3, 1]
    turned = read_trust(replace(network, bodyparts=tuple(PARTS[part] for part in order)), CROP)
    poses = np.concatenate([make_labels() + [12, 24], np.ones((60, 4, 1))], axis=-1)
    found = turned.confidence(poses[:, order], features[:, order])
    np.testing.assert_allclose(found, trust.confidence(poses, features)[:, order], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "crop", "why"),
    [
        ({"config": {"precision": "int8"}}, CROP, "it was learned with the engine's precision float32, not int8"),
        ({}, None, "it was learned on images with x1, x2, y1, y2 = 10, 110, 20, 120, not cropping = False"),
        ({"config": {"analysisscale": 0.5}}, CROP, "it was learned with images at a scale of 1, not 0.5"),
        ({"bodyparts": ("nose", "tail")}, CROP, "it was learned for the body parts nose_top, tail_top, nose_side"),
    ],
)
def test_of_another_kind_of_look_no_error_is_known(path, network, features, change, crop, why):
    trust = read_trust(replace(network, **change), crop)
    assert trust.calibration.startswith(why)
    parts = len(trust.bodyparts)
    found = trust.confidence(np.ones((60, parts, 3)), features[:, :parts])
    assert np.isnan(found[..., :2]).all()
    assert np.isnan(trust.visible(features)).all()


def test_each_precision_has_a_calibration_of_its_own_and_what_all_labels_tell_stays(path, network, trust, features):
    before = json.loads(path.read_text())
    errors = np.array([2.0, 3.0, 9.0, 1.0]) * np.exp(-features[..., 0])
    in_int8 = replace(trust, calibration=fit_calibration(features, errors), planes=(), postures="too few images")
    looked = Looked(fingerprint(network.snapshot.path), "int8", CROP)
    write_calibration(path, in_int8, 100, looked, images=18, labels=70)
    after = json.loads(path.read_text())
    assert list(after["snapshots"]) == ["100", "100, int8"] and after["snapshots"]["100, int8"]["labels"] == 70
    assert {name: before[name] for name in before if name != "snapshots"} == {
        name: after[name] for name in after if name != "snapshots"
    }
    reduced = read_trust(replace(network, config={"precision": "int8"}), CROP)
    assert reduced.calibration == in_int8.calibration and len(reduced.planes) == len(trust.planes) == 1
    assert read_trust(network, CROP).calibration == trust.calibration
    assert "float32, not bf16: run Eval" in read_trust(replace(network, config={"precision": "bf16"}), CROP).calibration


def test_what_the_labels_tell_counts_for_every_snapshot(path, network):
    other = replace(network, snapshot=SimpleNamespace(iteration=200, path=network.snapshot.path))
    trust = read_trust(other, CROP)
    assert trust.calibration.startswith("snapshot 200 was not evaluated, only 100: run Evaluation-tools/Step1")
    assert trust.planes and not isinstance(trust.postures, str)
    with pytest.raises(
        ToolboxError, match="pcutoff is 'auto', but none was recommended for this network yet: run Eval"
    ):
        cutoffs_of(trust, PARTS)


def test_a_snapshot_that_was_trained_again_is_another(path, network):
    network.snapshot.path.write_bytes(b"other weights")
    trust = read_trust(network, CROP)
    assert trust.calibration.startswith("the snapshot was trained again since it was evaluated")
    assert trust.pcutoffs is None


def test_other_snapshots_stay_until_labels_are_of_another_kind(path, network, trust):
    looked = Looked("hash", crop=CROP)
    write_calibration(path, trust, 200, looked, images=60, labels=240)
    assert list(json.loads(path.read_text())["snapshots"]) == ["100", "200"]
    write_calibration(path, replace(trust, crop=None), 200, replace(looked, crop=None), images=60, labels=240)
    assert list(json.loads(path.read_text())["snapshots"]) == ["200"]


def test_why_nothing_is_known_is_kept(path, network, trust, features):
    reason = "3 labels were placed by hand, and at least 40 are needed"
    nothing = Trust(PARTS, reason, crop=CROP, postures="too few body parts")
    write_calibration(path, nothing, 100, Looked(fingerprint(network.snapshot.path), crop=CROP), images=1, labels=3)
    found = read_trust(network, CROP)
    assert (found.calibration, found.postures) == (reason, "too few body parts")
    assert np.isnan(found.confidence(np.ones((60, 4, 3)), features)).all()


def test_without_a_calibration_nothing_is_known(network):
    assert read_trust(network, None).calibration.startswith("the network was not evaluated, or before this was learned")


@pytest.mark.parametrize("content", ["", "[]", '{"snapshots": 3}'])
def test_a_calibration_that_cannot_be_read_says_so(path, network, content):
    path.write_text(content)
    assert f"calibration.json is damaged: {STEPS} again" in read_trust(network, None).calibration


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("postures", "noise_px"), [None]),
        (("postures", "mean"), ["x"]),
        (("planes", 0, "offset"), None),
        (("views", 0, 0), "ear"),
        (("snapshots", "100"), []),
    ],
)
def test_what_makes_no_sense_in_a_calibration_is_damage(path, network, place, value):
    content = json.loads(path.read_text())
    entry = content
    for key in place[:-1]:
        entry = entry[key]
    entry[place[-1]] = value
    path.write_text(json.dumps(content))
    assert "calibration.json is damaged (" in read_trust(network, CROP).calibration


def test_a_damaged_calibration_says_so(path, network):
    content = json.loads(path.read_text())
    del content["snapshots"]["100"]["calibration"]["weights"]
    path.write_text(json.dumps(content))
    assert "calibration.json is damaged (TypeError(" in read_trust(network, CROP).calibration


def test_where_no_likelihood_is_enough_no_pose_passes(path, network):
    cutoffs = cutoffs_of(read_trust(network, CROP), PARTS[::-1])
    assert cutoffs == (0.75, NEVER, 0.25, 0.5)
    assert is_confident(np.ones(4), cutoffs).tolist() == [True, False, True, True], "a sigmoid of float32 reaches 1"
    assert json.loads(json.dumps(cutoffs, allow_nan=False))[1] == NEVER
