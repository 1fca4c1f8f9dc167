"""What Fiji measured at the clicks, beside x and y, and what the images hold."""

import pytest

from dlc_common.images import read_image
from dlc_toolbox.labels.labels import convert_labels
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings


@pytest.fixture
def warnings_of(toy_project, caplog):
    """``warnings_of(change)``: what Step 2 says of clicks as Fiji measured them, moved by ``change(x, y)``."""
    folder = toy_project / "Generating_a_Training_Set" / "data-toy" / "toy"
    images = sorted(folder.glob("img*.png"))

    def measure(change) -> list[str]:
        for path in folder.glob("*.csv"):
            rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
            lines = [" ,Area,Mean,X,Y,Slice"]
            for number, _, x, y, place in rows:
                gray = read_image(images[int(place) - 1])[round(float(y)), round(float(x))].mean()
                lines.append(f"{number},0,{gray:.3f},{','.join(f'{v:g}' for v in change(float(x), float(y)))},{place}")
            path.write_text("\n".join(lines) + "\n")
        convert_labels(Layout(toy_project), load_settings(toy_project), "Ann")
        return [record.getMessage() for record in caplog.records if "Mean" in record.getMessage()]

    return measure


def test_clicks_that_are_right_say_nothing(warnings_of):
    assert warnings_of(lambda x, y: (x, y)) == []


def test_clicks_in_mm_are_told(warnings_of):
    """At 2 pixels per mm they lie all over the picture, so that their places alone tell nothing."""
    (said,) = warnings_of(lambda x, y: (x / 2, y / 2))
    assert "data-toy/toy: at 29 of 29 clicks the images do not have the gray value that Fiji measured there" in said
    assert "in inches or mm (Analyze > Set Scale)" in said


def test_y_that_is_counted_from_below_is_known_for_what_it_is(warnings_of):
    (said,) = warnings_of(lambda x, y: (x, 119 - y))
    assert said.endswith("untick Invert Y coordinates in Analyze > Set Measurements, and measure again")


def test_what_is_no_gray_of_8_bits_tells_nothing(toy_project, warnings_of, monkeypatch):
    monkeypatch.setattr("dlc_toolbox.labels.measured._WHITE", 100)
    assert warnings_of(lambda x, y: (x / 2, y / 2)) == []


def test_the_files_of_v1_agree_with_their_images(v1_data, caplog):
    from dlc_toolbox.labels.measured import warn_of_other_grays
    from dlc_toolbox.labels.slices import slices_of

    folder = v1_data / "data-reaching" / "reachingvideo1"
    files = sorted(folder.glob("*.csv"))
    images = slices_of(folder, ".png", files).images
    warn_of_other_grays(files, images)
    assert caplog.text == ""
    warn_of_other_grays(files, images[::-1])
    assert "clicks the images do not have the gray value" in caplog.text
