import io
import threading

import numpy as np
import pytest
from PIL import Image

from dlc_common import UsersError
from dlc_common.images import as_png, read_image
from dlc_toolbox.labeling.frames.images import FAST, BytesCache, ImageStore


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.fixture
def photo(tmp_path):
    """A photo that a browser would turn and stretch."""
    path = tmp_path / "img1.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(path, exif=exif, quality=50)
    return path


def test_the_page_gets_what_our_reader_decodes_and_nothing_else(photo):
    _, png = ImageStore().png(photo)
    np.testing.assert_array_equal(decoded(png), read_image(photo))
    assert Image.open(io.BytesIO(png)).info == {}


def test_sixteen_bits(tmp_path):
    values = np.arange(0, 60000, 100, dtype=np.uint16).reshape(20, 30)
    Image.fromarray(values).save(tmp_path / "img1.png")
    _, png = ImageStore().png(tmp_path / "img1.png")
    np.testing.assert_array_equal(decoded(png), np.repeat((values // 256)[..., None], 3, axis=2))


def test_the_hash_is_of_the_content(photo, tmp_path):
    store = ImageStore()
    first = store.facts(photo)
    assert (first.width, first.height) == (40, 30)
    copy = tmp_path / "img2.jpg"
    copy.write_bytes(photo.read_bytes())
    assert store.facts(copy).hash == first.hash
    Image.new("RGB", (7, 5)).save(photo)
    changed = store.facts(photo)
    assert changed.hash != first.hash
    assert (changed.width, changed.height) == (7, 5)
    assert decoded(store.png(photo)[1]).shape == (5, 7, 3)


def test_images_are_prepared_and_damaged_ones_told_only_when_asked_for(photo, tmp_path):
    store = ImageStore()
    damaged = tmp_path / "img3.jpg"
    damaged.write_bytes(b"no image")
    store.prepare([damaged, photo])
    store._ahead.shutdown(wait=True)
    assert [key[0] for key in store._cache._contents] == [photo]
    with pytest.raises(UsersError, match=r"img3.jpg is damaged"):
        store.png(damaged)


class TestCache:
    def test_is_bounded_and_forgets_what_was_not_used_longest(self):
        cache = BytesCache(limit=250)
        made = []

        def make(name):
            made.append(name)
            return bytes(100)

        for name in ("a", "b", "a", "c", "a", "b"):
            cache.get(name, lambda name=name: make(name))
        assert made == ["a", "b", "c", "b"] and not cache._making

    def test_makes_a_content_once_for_all_who_wait(self):
        cache, made, ready = BytesCache(), [], threading.Barrier(4)

        def make() -> bytes:
            made.append(1)
            return b"content"

        def ask() -> None:
            ready.wait()
            assert cache.get("key", make) == b"content"

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [1]

    def test_what_fails_is_tried_again(self):
        cache = BytesCache()
        with pytest.raises(ZeroDivisionError):
            cache.get("key", lambda: bytes(1 // 0))
        assert cache.get("key", lambda: b"now") == b"now"


def test_a_png_of_a_picture_is_lossless():
    pixels = np.random.default_rng(1).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decoded(as_png(pixels, FAST)), pixels)
