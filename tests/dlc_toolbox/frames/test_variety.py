import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from dlc_toolbox.frames.variety import Sample, choose_even, choose_various, sample_frames
from dlc_toolbox.video.recording import Frame

SCENES = 5


def scene(number: int, noise: np.random.Generator) -> np.ndarray:
    """A bright square at a place of its own, on a noisy ground: no two pictures are equal."""
    picture = noise.integers(40, 60, (48, 64, 1), dtype=np.uint8)
    picture[10:30, 4 + 12 * number : 14 + 12 * number] += 150
    return np.repeat(picture, 3, axis=2)


def as_shown(pictures) -> Iterator[tuple[int, np.ndarray | None, Frame]]:
    """Frames as a recording shows them, one unit of time apart; None is a lost one."""
    for time, picture in enumerate(pictures):
        yield time, picture, Frame.LOST if picture is None else Frame.READ


@pytest.fixture
def noise() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def scenes(noise: np.random.Generator) -> list[np.ndarray]:
    """Five scenes of unequal length: 60 frames, then 12, 100, 20 and 8."""
    return [scene(number, noise) for number, length in enumerate((60, 12, 100, 20, 8)) for _ in range(length)]


ENDS = np.cumsum([60, 12, 100, 20, 8])


def which(frames: list[int]) -> list[int]:
    return np.searchsorted(ENDS, frames, side="right").tolist()


# The sample


def test_a_short_recording_is_sampled_whole(scenes):
    sample = sample_frames(as_shown(scenes), least=200)
    assert sample.numbers.tolist() == sample.times.tolist() == list(range(200))
    assert (sample.total, sample.looks.shape, sample.motion.shape) == (200, (200, 24 * 32), (200, 24 * 32))


def test_looks_and_motion_are_gray_values_of_small_pictures():
    pictures = [np.full((64, 64, 3), (30, 60, 90), np.uint8) for _ in range(2)]
    pictures[1][:, 32:] = 100
    _, second = sample_frames(as_shown(pictures), least=9).looks
    assert second.reshape(32, 32)[5, [0, 15, 16, 31]].tolist() == [60, 60, 100, 100]
    first, second = sample_frames(as_shown(pictures), least=9).motion
    assert not first.any(), "nothing is before the first frame"
    assert second.reshape(32, 32)[5, [0, 15, 16, 31]].tolist() == [0, 0, 40, 40]


@pytest.mark.parametrize("count", [799, 800, 5000, 12345])
def test_a_long_recording_is_sampled_evenly(noise, count: int):
    base = noise.integers(0, 255, (16, 16, 3), dtype=np.uint8)

    def pictures() -> Iterator[np.ndarray]:
        for number in range(count):
            base[0, 0] = number % 251 + 1
            yield base.copy()

    sample = sample_frames(as_shown(pictures()), least=100)
    assert sample.total == count
    assert 100 <= len(sample.numbers) < 200
    length = sample.numbers[1]
    assert sample.numbers.tolist() == list(range(0, count, length))


def test_memory_does_not_grow_with_the_recording():
    def peak(count: int) -> int:
        noise = np.random.default_rng(1)
        pictures = (noise.integers(0, 255, (96, 96, 3), dtype=np.uint8) for _ in range(count))
        tracemalloc.start()
        sample_frames(as_shown(pictures), least=20)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(50)  # what is imported and cached
    assert peak(4000) < 2 * peak(400)


@pytest.mark.parametrize("state", [Frame.DARK, Frame.BLANK, Frame.DAMAGED])
def test_frames_that_show_nothing_or_damage_are_left_out(scenes, state: Frame):
    shown = list(as_shown(scenes[:20]))
    for number in (0, 7, 8, 19):
        shown[number] = (number, scenes[number], Frame.READ | state)
    shown[11] = (11, None, Frame.LOST)
    sample = sample_frames(shown, least=20)
    assert sample.numbers.tolist() == [n for n in range(20) if n not in (0, 7, 8, 11, 19)]
    still = [number for number, motion in zip(sample.numbers, sample.motion, strict=True) if not motion.any()]
    assert still == [1, 9, 12], "what follows such a frame has no motion that is known"


def test_a_frame_equal_to_the_one_before_is_left_out(scenes):
    frozen = [*scenes[:10], *[scenes[9]] * 30, *scenes[10:20], None, scenes[19], *scenes[20:30]]
    sample = sample_frames(as_shown(frozen), least=100)
    assert sample.numbers.tolist() == [*range(10), *range(40, 50), *range(52, 62)]


def test_one_pixel_tells_a_new_frame(scenes):
    other = scenes[0].copy()
    other[17, 3, 1] += 1
    assert sample_frames(as_shown([scenes[0], other, other]), least=9).numbers.tolist() == [0, 1]


def test_every_frame_twice_leaves_each_once_however_long_the_parts(scenes):
    twice = [picture for picture in scenes for _ in range(2)]
    sample = sample_frames(as_shown(twice), least=20)
    assert not (sample.numbers % 2).any()
    assert len(sample.numbers) >= 20


def test_a_new_clock_makes_motion_unknown(scenes):
    shown = list(as_shown(scenes[:4]))
    shown[2] = (2, scenes[2], Frame.READ | Frame.RESTART)
    assert sample_frames(shown, least=9).motion.any(axis=1).tolist() == [False, True, False, True]


def test_only_what_is_wanted_and_not_taken_is_sampled(scenes):
    sample = sample_frames(as_shown(scenes), least=200, is_wanted=range(10, 20).__contains__, taken=[12, 150])
    assert sample.numbers.tolist() == [10, 11, *range(13, 20)]
    assert sample.taken.tolist() == [12, 150]
    assert sample.total == 200


def test_nothing_fit_makes_an_empty_sample():
    sample = sample_frames(as_shown([None] * 3), least=9)
    assert (len(sample.numbers), len(sample.looks), sample.total) == (0, 0, 3)
    assert choose_various(sample, 3, 1, 0) == ([], 1)
    assert choose_even(sample, 3) == []


# The choice


@pytest.mark.parametrize("seed", range(10))
def test_one_frame_of_each_scene_is_chosen(scenes, seed: int):
    chosen, apart = choose_various(sample_frames(as_shown(scenes), least=100), SCENES, apart=4, seed=seed)
    assert which(chosen) == list(range(SCENES))
    assert apart == 4


def test_random_frames_miss_scenes(scenes):
    """What the choice is for: of the same video, five random frames hardly ever show all scenes."""
    every = [set(which(np.random.default_rng(seed).choice(200, 5, replace=False))) for seed in range(10)]
    assert max(map(len, every)) < SCENES


def test_black_and_frozen_parts_are_never_chosen(scenes, noise):
    black = [np.zeros_like(scenes[0]) for _ in range(300)]
    frozen = [scene(3, noise)] * 300
    shown = [
        (time, picture, Frame.READ | (Frame.DARK if picture.max() == 0 else Frame.LOST))
        for time, picture in enumerate([*black, *scenes, *frozen])
    ]
    chosen, _ = choose_various(sample_frames(shown, least=100), 10, apart=1, seed=1)
    assert len(chosen) == 10
    assert min(chosen) >= 300
    assert max(chosen) <= 500, "the first of the frozen frames alone is not equal to the one before"


def test_the_frame_nearest_to_the_centre_is_chosen():
    looks = np.array([[0], [10], [11], [12], [40]], np.float32)
    at = np.arange(5)
    sample = Sample(at, at, looks, np.zeros_like(looks), np.array([]), 5)
    assert choose_various(sample, 1, apart=0, seed=0)[0] == [3]  # the mean is 14.6


def test_motion_counts():
    looks = np.full((40, 6), 50, np.float32)
    motion = np.zeros_like(looks)
    motion[25:] = 80
    at = np.arange(40)
    chosen, _ = choose_various(Sample(at, at, looks, motion, np.array([]), 40), 2, apart=3, seed=0)
    assert chosen[0] < 25 <= chosen[1]


def test_the_same_seed_chooses_the_same_frames(noise):
    looks = noise.normal(0, 50, (300, 40)).astype(np.float32)
    at = np.arange(300)
    sample = Sample(at, at, looks, np.zeros_like(looks), np.array([]), 300)
    assert choose_various(sample, 12, 5, seed=3) == choose_various(sample, 12, 5, seed=3)
    assert choose_various(sample, 12, 5, seed=3) != choose_various(sample, 12, 5, seed=4)


@pytest.mark.parametrize("apart", [0, 3, 20])
def test_frames_are_apart(noise, apart: int):
    looks = noise.normal(0, 50, (1000, 9)).astype(np.float32)
    at = np.arange(1000)
    sample = Sample(at, 2 * at, looks, np.zeros_like(looks), np.array([501, 7]), 1000)
    chosen, kept = choose_various(sample, 20, apart, seed=0)
    assert (len(chosen), kept) == (20, apart)
    times = sorted([*(2 * number for number in chosen), 501, 7])
    assert np.diff(times).min() >= apart


def test_too_short_for_the_distance_keeps_half_of_an_even_spread_or_less(noise):
    looks = noise.normal(0, 50, (100, 9)).astype(np.float32)
    at = np.arange(100)
    sample = Sample(at, at, looks, np.zeros_like(looks), np.array([]), 100)
    chosen, kept = choose_various(sample, 10, apart=1000, seed=0)
    assert kept == 5
    assert np.diff(chosen).min() >= 5
    chosen, kept = choose_various(sample, 100, apart=1000, seed=0)
    assert chosen == at.tolist()
    assert kept == 1
    assert choose_various(sample, 101, apart=1000, seed=0)[0] == at.tolist(), "there are no more"


def test_equal_looks_still_make_a_choice():
    at = np.arange(0, 50, 5)
    looks = np.ones((10, 4), np.float32)
    chosen, kept = choose_various(Sample(at, at, looks, looks - 1, np.array([]), 50), 4, apart=5, seed=0)
    assert (len(set(chosen)), kept) == (4, 5)


def test_an_even_choice_is_of_the_middles_of_equal_parts():
    numbers = np.arange(0, 2000, 2)
    sample = Sample(numbers, numbers, np.zeros((1000, 1)), np.zeros((1000, 1)), np.array([]), 2000)
    assert choose_even(sample, 4) == [250, 750, 1250, 1750]
    assert choose_even(sample, 1) == [1000]
    assert choose_even(sample, 1001) == numbers.tolist()
