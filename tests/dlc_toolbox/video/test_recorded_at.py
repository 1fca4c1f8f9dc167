"""When a recording says that it was made."""

from datetime import datetime, timezone

import av
import numpy as np
import pytest

from dlc_toolbox.video.video import recorded_at


@pytest.fixture
def made(tmp_path):
    """``made(creation_time, name)``: a video with this in its header."""

    def make(creation_time: str | None, name: str = "a.mp4"):
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", 25)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            if creation_time:
                container.metadata["creation_time"] = creation_time
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
            container.mux(stream.encode(None))
        return path

    return make


def test_the_header_s_time_counts(made):
    assert recorded_at(made("2025-02-03T04:05:06Z")) == datetime(2025, 2, 3, 4, 5, 6, tzinfo=timezone.utc)


@pytest.mark.parametrize("told", [None, "1904-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1980-01-06T00:00:00Z"])
def test_a_clock_that_was_never_set_tells_nothing(made, told):
    assert recorded_at(made(told)) is None


def test_what_is_no_video_tells_nothing(tmp_path):
    (tmp_path / "a.avi").write_text("text")
    assert recorded_at(tmp_path / "a.avi") is None
