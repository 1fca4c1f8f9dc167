"""Frames where a network fails: the right ones, into new folders, with machine labels that are no labels yet."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dlc_common.fingerprints import fingerprint
from dlc_common.images import image_size, read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.frames.choosing import Wanted, pick_frames
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.labels.labels import convert_labels
from dlc_toolbox.labels.machine import read_machine_labels
from dlc_toolbox.measure.posture import Postures
from dlc_toolbox.measure.views import Plane
from dlc_toolbox.poses.outliers import check_labeling, extract_outliers, find_doubtful_poses
from dlc_toolbox.poses.trust import CONFIDENCE, Looked, Trust, calibration_file, write_calibration
from dlc_toolbox.project.layout import Layout, confidence_table, contact_sheet, pose_record, pose_table
from dlc_toolbox.project.settings import AnalysisSettings, Settings
from dlc_toolbox.project.tables import make_table, points, read_table, write_table

PARTS = ("nose", "paw", "tail")


def settings(**changes) -> AnalysisSettings:
    return AnalysisSettings(**{"scorer": "Ann", "Task": "toy", "date": "Jan1", "numoutlierframes": 3, **changes})


def labeling(**changes) -> Settings:
    given = {"Task": "toy", "date": "Jan1", "scorer": "Ann", "Scorers": ("Ann",), "bodyparts": PARTS, **changes}
    return Settings(**given)


@pytest.fixture
def data(toy_project) -> Path:
    return Layout(toy_project).data_folder("toy")


@pytest.fixture
def failing(toy_poses) -> np.ndarray:
    """Poses with a jump of the nose in frame 4, an unsure tail in frame 13 and an unsure paw in frame 23."""
    toy_poses[4, 0, :2] = 150, 110
    toy_poses[13, 2, 2] = 0.02
    toy_poses[23, 1, 2] = 0.05
    return toy_poses


@pytest.fixture
def extract(video, network, analyzed, failing, data):
    """``extract(settings, labeling, overwrite)``: frames of the toy video, whose frames 0, 3, ... are labeled."""
    analyzed(video, failing)

    def run(of_analysis=None, of_labels=None, **flags) -> Path | None:
        return extract_outliers(video, network, of_analysis or settings(), of_labels or labeling(), data, **flags)

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def numbers_in(folder: Path) -> list[int]:
    return sorted(int(path.stem[3:]) for path in folder.glob("*.png"))


def machine_labels(folder: Path, images: int) -> np.ndarray:
    """Read the machine labels of a folder, (images, 3, 2)."""
    labels = np.full((images, 3, 2), np.nan)
    for part, name in enumerate(PARTS):
        clicks = read_clicks(folder / "machine-labels" / f"{name}.csv")
        labels[clicks["slice"] - 1, part] = clicks[["x", "y"]]
    return labels


def test_the_frames_where_it_fails_go_to_a_new_folder(extract, data, toy_points, draw_dots):
    before = contents(data / "toy")
    folder = extract()
    assert folder == data / "toy_2"
    assert numbers_in(folder) == [4, 13, 23]
    for number in (4, 13, 23):
        np.testing.assert_array_equal(read_image(folder / f"img{number:02d}.png"), draw_dots(toy_points[number]))
    assert contents(data / "toy") == before
    assert sorted(path.name for path in data.iterdir()) == ["toy", "toy_2"]


def test_machine_labels_are_what_did_not_fail(extract, toy_points):
    labels = machine_labels(extract(), 3)
    expected = toy_points[[4, 13, 23]].copy()
    expected[0, 0] = expected[1, 2] = expected[2, 1] = np.nan
    np.testing.assert_allclose(labels, expected, atol=1e-4)


def test_machine_labels_tell_likelihoods_and_network(extract, network):
    folder = extract()
    found = read_machine_labels(folder, [f"img{number}.png" for number in ("04", "13", "23")], PARTS)
    assert found.network == network.scorer
    rows = (folder / "machine-labels" / "likelihoods.csv").read_text().splitlines()
    assert rows[0] == "image,nose,paw,tail"
    assert [row.split(",")[0] for row in rows[1:]] == ["img04.png", "img13.png", "img23.png"]
    assert {part for labels in found.points.values() for part in labels} == set(PARTS)
    assert all(0 <= label[2] <= 1 for labels in found.points.values() for label in labels.values())


def test_pictures_show_all_and_lie_where_no_step_looks_for_images(extract, caplog):
    caplog.set_level("INFO")
    pictures = extract() / "machine-labels" / "pictures"
    assert numbers_in(pictures.parent) == []
    assert "machine-labels/pictures: being made" in caplog.text and ".part-" not in caplog.text
    shown = read_image(pictures / "img04.png").astype(int)
    assert np.abs(shown - read_image(pictures.parents[1] / "img04.png")).max() > 50
    assert contact_sheet(pictures).is_file()


def test_step_2_never_takes_machine_labels_for_labels(extract, toy_project, caplog):
    caplog.set_level("INFO")
    layout, project = Layout(toy_project), labeling()
    before = read_table(convert_labels(layout, project, "Ann"))
    folder = extract()
    after = read_table(convert_labels(layout, project, "Ann", overwrite=True))
    assert after.equals(before)
    assert "toy_2 has no labels of Ann yet" in caplog.text
    for path in (folder / "machine-labels").glob("*.csv"):  # what people do with those that are right
        (folder / path.name).write_bytes(path.read_bytes())
    table = read_table(convert_labels(layout, project, "Ann"))
    assert list(table.index[-3:]) == [f"toy_2/img{number}.png" for number in ("04", "13", "23")]
    np.testing.assert_array_equal(points(table)[-3:], machine_labels(folder, 3))


@pytest.mark.parametrize("scorer", ["machine-labels", "Machine-Labels"])
def test_a_scorer_whose_folder_would_be_that_of_machine_labels_is_refused(network, scorer):
    with pytest.raises(ToolboxError, match=r"machine-labels in Scorers .* choose another name"):
        check_labeling(labeling(Scorers=("Ann", scorer)), settings(), network)


def test_frames_json_tells_where_they_are_from(extract, video):
    record = json.loads((extract() / "frames.json").read_text())
    assert (record["video"], record["frame_count"], record["frames"]) == (video.as_posix(), 30, [4, 13, 23])
    assert record["settings"]["jumpthreshold"] == 20


def test_the_same_again_is_skipped_and_overwrite_extracts_others(extract, data, caplog):
    caplog.set_level("INFO")
    first = extract()
    before = contents(data)
    assert extract() == first
    assert contents(data) == before
    assert f"{first}: skipped, it is current (--overwrite does it again)" in caplog.text
    second = extract(overwrite=True)
    assert second == data / "toy_3"
    assert numbers_in(second) == [5]
    assert contents(first) == {name.removeprefix("toy_2/"): value for name, value in before.items() if "toy_2" in name}
    assert extract(overwrite=True) is None
    already = r"no frame to extract, frames [\d, ]*\b23 of those are images already: once they are labeled, train with"
    assert re.search(already, caplog.text)


def test_other_settings_extract_further_frames(extract, data):
    extract(settings(numoutlierframes=1))
    further = extract(settings(numoutlierframes=2))
    assert further == data / "toy_3"
    taken = {*range(0, 30, 3), *numbers_in(data / "toy_2")}
    assert len(numbers_in(further)) == 2
    assert not taken & set(numbers_in(further))


def test_where_nothing_fails_there_is_no_folder(extract, data, caplog):
    caplog.set_level("INFO")
    assert extract(settings(pcutoff=0, jumpthreshold=1000, deviationthreshold=1000)) is None
    assert [path.name for path in data.iterdir()] == ["toy"]
    assert "no frame to extract, the network fails in none" in caplog.text


def test_the_crop_of_the_images_moves_the_machine_labels(extract, toy_points):
    folder = extract(of_labels=labeling(cropping=True, x1=40, x2=120, y1=20, y2=100))
    assert image_size(folder / "img04.png") == (80, 80)
    labels = machine_labels(folder, 3)
    expected = toy_points[[4, 13, 23]] - (40, 20)
    expected[0, 0] = expected[1, 2] = expected[2, 1] = np.nan
    expected[((expected < -0.5) | (expected > 79.5)).any(axis=-1)] = np.nan
    assert 1 <= np.isfinite(expected).all(axis=-1).sum() < 6
    np.testing.assert_allclose(labels, expected, atol=1e-4)


def test_a_new_video_gets_a_folder_of_its_own_name_and_step_1_picks_other_frames(extract, video, data):
    (data / "toy").rename(data / "labeled before")
    folder = extract()
    assert folder == data / "toy"
    assert numbers_in(folder) == [4, 13, 23]
    picked = pick_frames(video, data, Wanted(27, 1, 0))
    assert picked == data / "toy_2"
    assert numbers_in(picked) == [number for number in range(30) if number not in (4, 13, 23)]


@pytest.mark.parametrize(
    ("project", "home"),
    [
        ({}, "toy_2, label the others in Fiji and save theirs there too"),
        ({"Scorers": ("Bob", "Ann")}, "toy_2/Ann, label the others"),
        ({"multibodypartsfile": True}, "all body parts in turn, and save Results.csv in "),
    ],
)
def test_the_log_says_how_to_go_on(extract, caplog, project, home):
    caplog.set_level("INFO")
    extract(of_labels=labeling(**project))
    message = caplog.records[-1].getMessage()
    assert "Machine labels are no labels yet: look at " in message and "contact_sheet.png" in message
    assert home in message.replace("\\", "/")
    assert "the network fails in 4 of 30 frames (2 times a low likelihood, 2 jumps, 1 deviations" in caplog.text


@pytest.mark.parametrize(
    ("of_labels", "message"),
    [
        ({"Task": "reach"}, "Task = 'reach', myconfig_analysis.py about 'toy'"),
        ({"bodyparts": ("nose", "paw")}, "body parts nose, paw, but the network was trained on nose, paw, tail"),
        ({"imagetype": ".jpg"}, "frames are written as png, but imagetype = '.jpg'"),
    ],
)
def test_settings_that_do_not_fit_the_network_are_an_error(network, of_labels, message):
    check_labeling(labeling(bodyparts=("tail", "nose", "paw")), settings(), network)
    with pytest.raises(ToolboxError, match=message):
        check_labeling(labeling(**of_labels), settings(), network)


def test_the_order_of_the_settings_is_not_that_of_the_network(extract, toy_points):
    folder = extract(of_labels=labeling(bodyparts=("tail", "nose", "paw")))
    np.testing.assert_allclose(machine_labels(folder, 3)[2, 0], toy_points[23, 0], atol=1e-4)


def test_a_table_of_another_length_is_an_error_and_leaves_nothing(extract, video, network, data):
    table = pose_table(video, network.scorer)
    shorter = read_table(table).iloc[:-1]
    shorter.to_hdf(table, key="df_with_missing", mode="w", format="table")
    with pytest.raises(ToolboxError, match=r"has 29 rows for 30 frames: make it again, with AnalyzeVideos"):
        extract()
    record = pose_record(table)
    record.write_text(record.read_text().replace('"frames": 30', '"frames": 29'))
    with pytest.raises(ToolboxError, match=r"delivers 30 frames, .* has 29 rows, .* AnalyzeVideos.py --overwrite"):
        extract()
    assert [path.name for path in data.iterdir()] == ["toy"]


# ---- What an evaluation learned ----


@pytest.fixture
def learned(network) -> Trust:
    """Nose and paw share their x; known postures are those of no rest at all."""
    plane = Plane((0, 1), np.array([1.0, 0.0, -1.0, 0.0]) / np.sqrt(2), 0.0, 2.0)
    postures = Postures(np.zeros(6), np.tile(np.eye(2), (3, 1)) * 100, 1.0)  # all parts in one place
    trust = Trust(PARTS, "few labels", (("nose", "paw"),), (plane,), postures, wanted_px=5.0)
    looked = Looked(fingerprint(network.snapshot.path))
    write_calibration(calibration_file(network.config_path.parent), trust, 100, looked, images=3, labels=9)
    return trust


def test_doubts_by_hand(learned):
    poses = np.ones((4, 3, 3)) * [50, 50, 1]
    poses[1, 0, 0] = 58.8  # the limit is 3 * 1.4826 * 2 = 8.9 px
    poses[2, 0, 0] = 59.0
    poses[3, 2, 1] = 56.0  # 4 px are the limit
    expected = np.full((4, 3), 5.0)
    expected[0, 1] = 5.1
    doubts = find_doubtful_poses(poses, expected, learned, 0.5)
    assert doubts[..., 0].tolist() == [[False] * 3, [False] * 3, [True, True, False], [False] * 3]
    assert not doubts[0, :, 1].any() and doubts[3, :, 1].tolist() == [False, False, True]
    assert doubts[..., 2].tolist() == [[False, True, False]] + [[False] * 3] * 3
    poses[2, 1, 2] = expected[0, 0] = 0.4  # a paw that is not seen agrees and disagrees with nothing
    assert not find_doubtful_poses(poses, expected, learned, 0.5)[2, :, 0].any()


def test_frames_are_found_by_what_was_learned_and_counted(extract, learned, data, video, network, caplog):
    caplog.set_level("INFO")
    error = np.full((30, 3, 4), 1.0)
    error[16, 2, 0] = 9
    table = pose_table(video, network.scorer)
    path = confidence_table(table)
    write_table(make_table(network.scorer, PARTS, range(30), error, CONFIDENCE), path, csv=False)
    calm = settings(pcutoff=0.01, jumpthreshold=1000, deviationthreshold=1000, numoutlierframes=9)
    extract(calm)
    # the toy's dots run around: neither views nor postures agree, in every frame
    assert "places where views disagree: nose" in caplog.text and "paw" in caplog.text
    assert "1 large expected errors)" in caplog.text and "large expected errors: tail 1" in caplog.text


def test_learning_something_new_extracts_again(extract, network, request):
    first = extract()
    assert extract() == first
    request.getfixturevalue("learned")
    assert extract() != first


def test_expected_errors_that_come_later_extract_again(extract, video, network, caplog):
    first = extract()
    error = np.full((30, 3, 4), 1.0)
    error[16, 2, 0] = 9
    path = confidence_table(pose_table(video, network.scorer))
    write_table(make_table(network.scorer, PARTS, range(30), error, CONFIDENCE), path, csv=False)
    second = extract()
    assert second != first and 16 in numbers_in(second)
    assert "missing or outdated" not in caplog.text  # no evaluation has told others
    assert extract() == second


def test_the_evaluation_of_another_snapshot_changes_nothing(extract, learned, network):
    first = extract()
    write_calibration(calibration_file(network.config_path.parent), learned, 200, Looked("other"), images=3, labels=9)
    assert extract() == first


def test_expected_errors_of_an_earlier_evaluation_are_told(extract, know, caplog):
    know()
    extract()
    assert "toy.avi: how far off its poses may be is missing or outdated: its poses were found before" in caplog.text


def test_of_a_video_that_the_network_does_not_know_frames_that_differ_are_chosen(extract, data, caplog):
    caplog.set_level("INFO")
    folder = extract(settings(pcutoff=1, jumpthreshold=0, deviationthreshold=0, numoutlierframes=4))
    assert "the network does not know this video yet, it fails in nearly every frame" in caplog.text
    chosen = numbers_in(folder)
    assert len(chosen) == 4 and not {*range(0, 30, 3)} & set(chosen)


@pytest.mark.parametrize("pcutoff", [0.1, (0.1, 0.1, 1.0)])
def test_a_part_that_is_always_hidden_does_not_hide_where_others_fail(video, network, analyzed, failing, data, pcutoff):
    failing[:, 2, 2] = 0.02 if pcutoff == 0.1 else 0.9  # a cutoff of 1 is never reached
    analyzed(video, failing)
    folder = extract_outliers(video, network, settings(pcutoff=pcutoff, numoutlierframes=2), labeling(), data)
    assert {4, 23} == set(numbers_in(folder))


def test_a_video_is_not_known_when_most_parts_that_could_be_seen_fail(
    video, network, analyzed, toy_poses, data, caplog
):
    caplog.set_level("INFO")
    toy_poses[:, 0, 2] = 0.02
    analyzed(video, toy_poses)
    extract_outliers(video, network, settings(pcutoff=(0.1, 0.1, 0.1)), labeling(), data)
    assert "does not know this video" not in caplog.text
    extract_outliers(video, network, settings(pcutoff=(0.1, 1.0, 1.0)), labeling(), data)
    assert "the network does not know this video yet" in caplog.text


def test_what_is_rare_in_such_a_video_is_chosen_and_blank_frames_are_not(
    tmp_path, network, analyzed, data, toy_points, toy_poses, draw_dots, write_video
):
    frames = [draw_dots(points) for points in toy_points]
    frames[20:24] = [np.maximum(frame, 120) for frame in frames[20:24]]  # a light that was on for four frames
    frames[7] = np.zeros_like(frames[7])
    dusk = write_video(tmp_path / "dusk.avi", frames)
    analyzed(dusk, toy_poses)
    unknown = settings(pcutoff=1, jumpthreshold=0, deviationthreshold=0, numoutlierframes=2)
    folder = extract_outliers(dusk, network, unknown, labeling(), data)
    chosen = numbers_in(folder)
    assert len(chosen) == 2 and len({20, 21, 22, 23} & set(chosen)) == 1
    rest = numbers_in(extract_outliers(dusk, network, replace(unknown, numoutlierframes=30), labeling(), data))
    assert len(rest) == 27 and not {7, *chosen} & set(rest)
