"""The csv with times in seconds, line by line."""

from dataclasses import replace

import numpy as np
import pandas as pd

from dlc_toolbox.exchange.writers import poses as module
from dlc_toolbox.exchange.writers import seconds
from dlc_toolbox.project import layout
from tests.dlc_toolbox.exchange.writers.toy import STEM


def written(poses, tmp_path):
    files = seconds.files(poses, tmp_path)
    seconds.write(poses, files)
    return files[0]


def test_the_lines_are_those_computed_by_hand(poses, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 4)
    path = written(poses, tmp_path)
    lines = path.read_text().splitlines()
    assert path.name == f"{STEM}_seconds.csv"
    assert len(lines) == 31
    assert lines[0] == (
        "frame,time_s,nose_x,nose_y,nose_likelihood,nose_error_px,nose_radius90_px,"
        "paw_x,paw_y,paw_likelihood,paw_error_px,paw_radius90_px,"
        "tail_x,tail_y,tail_likelihood,tail_error_px,tail_radius90_px"
    )
    assert lines[4] == "3,0.12,0.75,100.0,0.09375,3.0,6.0,10.75,101.0,0.09375,3.125,6.25,20.75,102.0,0.09375,NaN,NaN"
    assert lines[6] == "5,0.2,NaN,NaN,NaN,5.0,10.0,NaN,NaN,NaN,5.125,10.25,NaN,NaN,NaN,NaN,NaN"


def test_pandas_reads_every_value(poses, values, trust, tmp_path):
    read = pd.read_csv(written(poses, tmp_path))
    for k, part in enumerate(poses.bodyparts):
        np.testing.assert_allclose(read[[f"{part}_{c}" for c in ("x", "y", "likelihood")]], values[:, k], rtol=1e-14)
        np.testing.assert_allclose(read[[f"{part}_error_px", f"{part}_radius90_px"]], trust[:, k], rtol=1e-14)


def test_without_a_rate_there_are_no_times_and_without_an_evaluation_no_errors(poses, tmp_path):
    layout.confidence_table(poses.table).unlink()
    unknown = replace(poses, record={**poses.record, "fps_is_assumed": True})
    lines = written(unknown, tmp_path).read_text().splitlines()
    assert lines[0].startswith("frame,nose_x,nose_y,nose_likelihood,paw_x")
    assert lines[4] == "3,0.75,100.0,0.09375,10.75,101.0,0.09375,20.75,102.0,0.09375"


def test_uneven_times_are_the_recording_s(poses, tmp_path):
    times = [round(0.04 * n + (0.5 if n > 9 else 0), 6) for n in range(30)]
    uneven = replace(poses, record={**poses.record, "frame_times_s": times})
    assert pd.read_csv(written(uneven, tmp_path))["time_s"].tolist() == times
