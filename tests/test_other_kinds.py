"""Whoever reads a file names one of another kind for what it is, and none calls it damaged."""

from pathlib import Path

import pytest

from dlc_common import UsersError
from dlc_common.images import read_image
from dlc_common.training_set import read_training_set
from dlc_common.yaml_text import read_yaml
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.project.tables import read_table
from dlc_toolbox.training_set.split import read_split_file
from dlc_toolbox.video.sequences import open_frames

READERS = {
    "an image": (read_image, "a.png"),
    "a TIFF file": (open_frames, "a.tif"),
    "a video": (open_frames, "a.avi"),
    "a training set made by Step 4": (read_training_set, "a.mat"),
    "a yaml file": (read_yaml, "a.yaml"),
    "a split (json)": (read_split_file, "a.json"),
    "a csv of clicks": (read_clicks, "a.csv"),
    "a table": (read_table, "a.h5"),
}
KINDS = {
    "a Norpix sequence (.seq)": b"\xed\xfe\x00\x00N\x00o\x00r\x00p\x00i\x00x\x00" + bytes(1100),
    "a pickle": b"\x80\x04\x95" + bytes(200),
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n",
    "a text with formats (RTF), as TextEdit saves it": rb"{\rtf1\ansi 1,0,12.0,5.5,1\par}",
    "a shortcut to a file elsewhere": b"[InternetShortcut]\r\nURL=https://example.org/a.avi\r\n",
    "an XML file": b'<svg xmlns="http://www.w3.org/2000/svg" width="10"></svg>',
    "a web page": b"<!DOCTYPE html>\n<html><body>Not found: the link has expired</body></html>",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wanted", READERS)
def test_a_file_of_another_kind_is_named(tmp_path: Path, wanted: str, kind: str):
    read, name = READERS[wanted]
    (tmp_path / name).write_bytes(KINDS[kind])
    with pytest.raises(UsersError) as told:
        read(tmp_path / name)
    said = str(told.value)
    assert "damaged" not in said and "incomplete" not in said
    assert f"{name} is {kind}, not {wanted}" in said
