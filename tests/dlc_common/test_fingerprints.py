"""Fingerprints of files and folders of images."""

from pathlib import Path

import pytest

from dlc_common import fingerprints
from dlc_common.fingerprints import fingerprint


def test_fingerprint_tells_contents_apart(tmp_path: Path):
    contents = [b"", b"\0", b"a", b"b", b"ab"]
    prints = set()
    for content in contents:
        (tmp_path / "a").write_bytes(content)
        prints.add(fingerprint(tmp_path / "a"))
    assert len(prints) == len(contents)
    assert {len(digest) for digest in prints} == {32}


@pytest.mark.parametrize("position", [0, 500, -1])
def test_large_files_are_told_apart_by_size_beginning_middle_and_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, position: int
):
    monkeypatch.setattr(fingerprints, "_WHOLE_FILE_BYTES", 100)
    monkeypatch.setattr(fingerprints, "_SAMPLE_BYTES", 16)
    path = tmp_path / "video"
    content = bytearray(1001)
    path.write_bytes(content)
    before = fingerprint(path)
    content[position] = 1
    path.write_bytes(content)
    assert fingerprint(path) != before
    path.write_bytes(bytes(1002))
    assert fingerprint(path) != before
