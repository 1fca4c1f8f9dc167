"""Pose tables beside a video: filtered copies, and the raw ones as they were."""

import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.tracks import median_filter
from dlc_toolbox.poses.filter import Filter, drawn_filter, filter_poses, find_poses
from dlc_toolbox.project import layout, records
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.project.tables import make_table, points, read_table, scorer_of, write_table


def settings(**changes) -> AnalysisSettings:
    return AnalysisSettings(scorer="Ann", Task="toy", date="Jan1", **changes)


@pytest.fixture
def jumpy(toy_poses) -> np.ndarray:
    toy_poses[7, 1, :2] += 60
    toy_poses[12, 2, 2] = 0.03
    return toy_poses


def test_the_filtered_copy_lies_beside_the_raw_table_which_stays(video, network, analyzed, jumpy):
    table = analyzed(video, jumpy)
    before = table.read_bytes()
    copy = filter_poses(video, network, settings(windowlength=3, storedata_as_csv=True))
    assert copy.name == f"{table.stem}_filtered.h5"
    assert table.read_bytes() == before
    raw, filtered = read_table(table), read_table(copy)
    np.testing.assert_array_equal(points(filtered), median_filter(points(raw), 3, 0.1))
    assert abs(points(filtered)[7, 1, 0] - jumpy[6, 1, 0]) < 15
    pd.testing.assert_index_equal(filtered.index, raw.index)
    pd.testing.assert_index_equal(filtered.columns, raw.columns)
    assert scorer_of(filtered) == network.scorer
    pd.testing.assert_frame_equal(read_table(copy.with_suffix(".csv")), filtered)
    with pd.HDFStore(copy, mode="r") as store:
        assert store.keys() == ["/df_with_missing"]


@pytest.mark.parametrize(("rows", "windowlength"), [(1, 5), (4, 5), (10, 3), (7, 99)])
def test_a_long_table_is_filtered_piece_by_piece(
    video, network, analyzed, jumpy, rows, windowlength, monkeypatch, caplog
):
    caplog.set_level("INFO")
    table = analyzed(video, jumpy)
    filter_poses(video, network, settings(windowlength=windowlength))
    (whole,) = [line for line in caplog.messages if "of the places moved" in line]
    caplog.clear()
    monkeypatch.setattr("dlc_toolbox.poses.filter._ROWS_AT_ONCE", rows)
    copy = filter_poses(video, network, settings(windowlength=windowlength), overwrite=True)
    np.testing.assert_array_equal(points(read_table(copy)), median_filter(points(read_table(table)), windowlength, 0.1))
    assert whole in caplog.messages


def test_a_filter_that_was_killed_before_its_record_is_not_current(
    video, network, analyzed, jumpy, monkeypatch, caplog
):
    caplog.set_level("INFO")
    table = analyzed(video, jumpy)
    filter_poses(video, network, settings(windowlength=3))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(records.Output, "write_record", interrupt)
        filter_poses(video, network, settings(windowlength=7))
    with pytest.raises(ToolboxError, match=r"must be made first.* because an earlier run did not finish it"):
        find_poses(video, network, filtered=Filter(3, 0.1))
    copy = filter_poses(video, network, settings(windowlength=3))
    np.testing.assert_array_equal(points(read_table(copy)), median_filter(points(read_table(table)), 3, 0.1))


def interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("form", ["table", "fixed"])
@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda t: pd.concat([t.iloc[15:], t.iloc[:15]]),
            r"in place of frame 0 stands 15\. Sort it by its index",
        ),
        (lambda t: t.set_axis(range(1, 31)), "in place of frame 0 stands 1"),
        (lambda t: t.set_axis(t.index.astype(float)), r"in place of frame 0 stands 0\.0"),
        (lambda t: pd.concat([t[:8], t[9:], t[5:6].set_axis([30])]), "in place of frame 8 stands 9"),
        (lambda t: t.iloc[:29], "29 rows for 30 frames"),
        (lambda t: t[t.columns[::-1]], "has the body parts tail, paw, nose, but the network finds nose, paw, tail"),
    ],
)
def test_a_table_that_somebody_sorted_or_cut_is_refused(video, network, analyzed, toy_poses, edit, message, form):
    table = analyzed(video, toy_poses)
    edit(pd.read_hdf(table)).to_hdf(table, key="df_with_missing", mode="w", format=form)
    with pytest.raises(ToolboxError, match=message):
        find_poses(video, network)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_is_infinite_is_missing(video, network, analyzed, jumpy):
    table = analyzed(video, jumpy)
    raw = read_table(table)
    values = points(raw)
    values[3, 0, 0], values[5, 1], values[7, 2, 2] = np.inf, -np.inf, np.inf
    write_table(make_table(network.scorer, network.bodyparts, raw.index, values), table)
    filtered = points(read_table(filter_poses(video, network, settings())))
    np.testing.assert_array_equal(np.isnan(filtered), np.isinf(values))


def test_a_filtered_copy_is_never_taken_for_the_poses_of_another_network(video, network, analyzed, toy_poses):
    table = analyzed(video, toy_poses)
    filter_poses(video, network, settings())
    assert layout.pose_tables(video) == [table]
    table.unlink()
    assert layout.pose_tables(video) == []
    with pytest.raises(ToolboxError, match=r"_100\.h5 does not exist\. Analyze the video first"):
        find_poses(video, network)


def test_what_is_current_is_kept_and_what_is_stale_is_filtered_again(
    video, network, analyzed, toy_poses, caplog, monkeypatch
):
    caplog.set_level("INFO")
    analyzed(video, toy_poses)
    filter_poses(video, network, settings())
    with monkeypatch.context() as patch:
        patch.setattr("dlc_toolbox.poses.filter.median_filter", None)
        copy = filter_poses(video, network, settings(storedata_as_csv=True))
    assert "toyDeepCut_resnet50_toyJan1shuffle1_100_filtered.h5: skipped, it is current" in caplog.text
    pd.testing.assert_frame_equal(read_table(copy.with_suffix(".csv")), read_table(copy))
    for change, reason in (
        ({"windowlength": 7}, "windowlength"),
        ({"windowlength": 7, "pcutoff": 0.5}, "pcutoff"),
    ):
        filter_poses(video, network, settings(**change))
        assert f"_filtered.h5: being made, because {reason} changed" in caplog.text
    toy_poses[0, 0, 0] += 1
    layout.pose_table(video, network.scorer).unlink()
    analyzed(video, toy_poses)
    filter_poses(video, network, settings(**change))
    assert "_filtered.h5: being made, because poses changed" in caplog.text


def test_filtered_poses_must_be_there_and_current(video, network, analyzed, toy_poses):
    table = analyzed(video, toy_poses)
    wanted = Filter(windowlength=5, pcutoff=0.1)
    assert find_poses(video, network) == table
    with pytest.raises(
        ToolboxError, match=r"must be made first, with FilterPredictions\.py, because it does not exist"
    ):
        find_poses(video, network, filtered=wanted)
    copy = filter_poses(video, network, settings())
    assert find_poses(video, network, filtered=wanted) == copy
    with pytest.raises(ToolboxError, match=r"because pcutoff changed"):
        find_poses(video, network, filtered=Filter(windowlength=5, pcutoff=0.2))


def test_poses_of_another_precision_are_refused_and_those_of_another_crop_are_told(
    video, network, analyzed, toy_poses, caplog
):
    table = analyzed(video, toy_poses)
    assert find_poses(video, network) == table
    assert caplog.text == ""
    assert find_poses(video, network, crop=(0, 150, 0, 100)) == table
    assert "analyzed with cropping = False; the settings tell x1, x2, y1, y2 = 0, 150, 0, 100 by now" in caplog.text
    reduced = replace(network, config={"precision": "int8"})
    with pytest.raises(ToolboxError, match=r"another engine \(precision\): run AnalyzeVideos\.py again"):
        find_poses(video, reduced)


def test_a_rate_that_was_stated_otherwise_is_told(video, network, analyzed, toy_poses, caplog):
    record = layout.pose_record(analyzed(video, toy_poses))
    known = json.loads(record.read_text())
    find_poses(video, network, fps=20)  # the video tells its rate, so that the setting does not count
    assert caplog.text == ""
    for facts in ({"fps": 10, "fps_stated": 10}, {"fps": 25.0, "fps_is_assumed": True}):
        record.write_text(json.dumps(known | facts))
        find_poses(video, network, fps=10)
        find_poses(video, network, fps=20)
    assert "analyzed with 10 frames/s; the settings tell fps = 20 by now: to use that, run AnalyzeVideos" in caplog.text
    assert "analyzed with 25 frames/s; the settings tell fps = 10 by now" in caplog.text
    assert len(caplog.records) == 3


def test_a_table_cut_by_hand_is_refused(video, network, analyzed, toy_poses):
    table = analyzed(video, toy_poses)
    copy = filter_poses(video, network, settings())
    write_table(read_table(copy).iloc[:-1], copy)
    with pytest.raises(ToolboxError, match=r"_filtered\.h5 has 29 rows for 30 .* FilterPredictions\.py --overwrite"):
        find_poses(video, network, filtered=Filter(windowlength=5, pcutoff=0.1))
    write_table(read_table(table).iloc[:-1], table)
    with pytest.raises(ToolboxError, match=r"_100\.h5 has 29 rows for 30 .* AnalyzeVideos\.py --overwrite"):
        filter_poses(video, network, settings(), overwrite=True)


def test_the_settings_tell_which_poses_are_drawn():
    assert drawn_filter(settings()) is None
    assert drawn_filter(settings(drawfiltered=True, windowlength=9, pcutoff=0.4)) == Filter(9, 0.4)


def test_poses_corrected_in_the_csv_alone_are_named(video, network, analyzed, toy_poses, caplog):
    table = analyzed(video, toy_poses)
    csv = table.with_suffix(".csv")
    poses = read_table(table)
    poses.to_csv(csv)
    assert find_poses(video, network) == table
    assert not caplog.records
    poses.iloc[4, 0] = 12.5
    poses.to_csv(csv)
    later = layout.pose_record(table).stat().st_mtime + 10
    os.utime(csv, (later, later))
    assert find_poses(video, network) == table
    (said,) = [record.message for record in caplog.records]
    assert f"{csv} was changed by hand, which changes nothing here: 4: nose x is" in said
    assert "12.5 in the csv" in said
