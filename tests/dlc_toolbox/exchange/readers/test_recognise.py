"""What a source is, by what it holds; each format has tests of its own."""

import pickle
import zipfile

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.found import LeftOut
from dlc_toolbox.exchange.readers.recognise import tell_left_out


@pytest.mark.parametrize("name", ["labels.slp", "labels.nwb", "analysis.h5", "coco.json"])
def test_the_name_does_not_matter_and_the_first_line_says_what_it_is(foreign, read, name, caplog):
    caplog.set_level("INFO")
    kind = read(foreign / name).kind
    (foreign / name).rename(foreign / "some file")
    assert read(foreign / "some file").kind == kind
    assert caplog.messages[0] == f"{foreign / name} is {kind}"


def test_what_nobody_reads(tmp_path, read):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("annotations.xml", "<annotations/>")
    (tmp_path / "network.pickle").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "notes.txt").write_text("hello")
    np.save(tmp_path / "points.npy", np.zeros(3))
    for name, message in (
        ("export.zip", r"is a zip archive \(unpack it and name the folder\), and nothing that can be imported"),
        (
            "network.pickle",
            "is a pickle, and nothing that can be imported: projects of DeepLabCut 2 and 3, ",
        ),
        ("notes.txt", "is of a kind that is not known, and nothing that can be imported"),
        ("points.npy", r"is an array of NumPy \(\.npy\), and nothing that can be imported"),
        ("nowhere.slp", "does not exist"),
    ):
        with pytest.raises(ToolboxError, match=message):
            read(tmp_path / name)


def test_a_folder_with_nothing(tmp_path, read):
    (tmp_path / "empty").mkdir()
    table = tmp_path / "old" / "Generating_a_Training_Set" / "data-mouse" / "CollectedData_Ann.h5"
    table.parent.mkdir(parents=True)
    table.touch()
    for folder in (tmp_path / "old", table.parent):
        with pytest.raises(ToolboxError, match=r"has no config\.yaml: name the table of labels itself, .*_Ann\.h5$"):
            read(folder)
    table.rename(table.with_suffix(".csv"))
    with pytest.raises(ToolboxError, match=r"name the table of labels itself, such as .*_Ann\.csv$"):
        read(table.parent)
    with pytest.raises(ToolboxError, match=r"empty has neither a config\.yaml nor a CollectedData\.csv, nor any other"):
        read(tmp_path / "empty")


def test_each_reason_is_told_once_with_its_number(tmp_path, caplog):
    entries = [LeftOut(f"img{number}.png", "has no label") for number in range(7)]
    tell_left_out((*entries, LeftOut("img9.png", "is damaged")), tmp_path)
    assert caplog.messages == [
        f"{tmp_path}: left out: img0.png, img1.png, img2.png, img3.png, img4.png and 2 more (7), because it has "
        "no label",
        f"{tmp_path}: left out: img9.png (1), because it is damaged",
    ]
