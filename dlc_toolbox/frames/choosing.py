"""Folders of images to label: what they hold, and writing chosen frames of a video into them."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlc_common.files import replacing_folder
from dlc_common.images import IMAGE_SUFFIXES, write_image
from dlc_common.progress import tqdm
from dlc_toolbox import ToolboxError
from dlc_toolbox.frames.preview import write_choice_sheet
from dlc_toolbox.frames.recorded import read_frames
from dlc_toolbox.frames.wanted import Wanted, choose_frames, look_for_frames
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import Layout, choice_sheet, first_step_advice, frames_record, image_folders, video_stem
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.video.condition import Condition, announce
from dlc_toolbox.video.finding import find_videos, suffixes_in
from dlc_toolbox.video.recording import Recording
from dlc_toolbox.video.sequences import images_as_recordings, open_frames

log = logging.getLogger(__name__)

_JUNK = re.compile(r"\._.*|\.DS_Store|\.part-.*|Thumbs\.db|desktop\.ini")  # of systems and killed runs


def videos_to_pick_from(layout: Layout, settings: Settings) -> list[Path]:
    """List the videos, TIFF files and folders of images that `vidpath` and `filename` name.

    Raises
    ------
    ToolboxError
        When none is named, one is missing, no recording, an output of ours or named as later steps cannot name a
        folder, or `imagetype` is not what is written here.
    """
    if not settings.filename:
        raise ToolboxError(f"{layout.root / 'myconfig.py'}: filename names no video to pick frames from")
    check_imagetype(settings)
    folder = layout.training_set_root / Path(settings.vidpath).expanduser()
    named = [folder / name for name in settings.filename]
    videos = find_videos(named, "", first_step_advice(layout.root), within=_images_of)
    for video in videos:
        _refuse_unsuitable(video)
    return videos


def _images_of(folder: Path, _: str) -> list[Path]:
    """List the recordings that a folder of images is; raise if it is none."""
    found = images_as_recordings(folder)
    if not found:
        raise ToolboxError(
            f"{folder} is a folder; filename in myconfig.py must name the videos in it, or a folder of the images of "
            f"one recording ({', '.join(sorted(IMAGE_SUFFIXES))}), without videos{suffixes_in([folder])}"
        )
    return found


def _refuse_unsuitable(video: Path) -> None:
    """Raise for a recording with a name that later steps would not find its images by."""
    stem = video_stem(video)
    if stem == "labeled-data" or stem.startswith(".") or "\\" in stem:
        raise ToolboxError(
            f"{video}: later steps would not find images in a folder named {stem!r}; rename the video, or name a "
            "link to it"
        )


def check_imagetype(settings: Settings) -> None:
    """Raise ToolboxError unless `imagetype` is what is written here."""
    if settings.imagetype.lower() != ".png":
        raise ToolboxError(f"frames are written as png, but imagetype = {settings.imagetype!r}; set it to '.png'")


def pick_frames(path: Path, data_folder: Path, wanted: Wanted, *, overwrite: bool = False) -> Path:
    """Write chosen frames of a video as images, ready to be labeled.

    They go to ``<data_folder>/<video stem>``. A folder that holds anything but unlabeled frames picked from this video,
    above all labels, which count images by position, stays as it is: the frames, none of them picked before, then go to
    ``<video stem>_2`` and so on. A folder is replaced as a whole, so that it never mixes two choices.

    Parameters
    ----------
    path : Path
        The video.
    data_folder : Path
        Folder with one sub-folder per video.
    wanted : Wanted
        Which frames.
    overwrite : bool
        Pick again although the same was picked before.

    Returns
    -------
    Path
        The folder with the images ``img<frame number>.png`` and ``frames.json``, which tells where they are from.
        Beside it, unless they are chosen at random, a page that shows them all, see `layout.choice_sheet`.

    Raises
    ------
    ToolboxError
        When the video cannot be read, has too few frames, or the crop does not fit.
    """
    made_from = records.describe({path.name: path}, wanted.shaping, before={"framechoice": "random"})
    video = made_from["inputs"]
    folders = folders_of(data_folder, video_stem(path))
    with_frames = folders_with_frames(data_folder, video_stem(path), video)
    if not overwrite and (current := find_current(with_frames, made_from)):
        return current
    position = next(i for i, folder in enumerate(folders) if not folder.exists() or _may_be_replaced(folder, video))
    folder = folders[position]
    for kept in folders[:position]:
        log.info("%s stays as it is: it holds labels, or files that Step 1 did not write for this video", kept)
    for other in with_frames:
        if (then := read_frames(other).get("inputs", video)) != video:
            log.warning("%s holds frames of this video, which was %s then: those are not picked again", other, *then)
    output = output_of(folder, made_from)
    output.log(output.why_stale(overwrite))
    taken = {frame for other in with_frames if other != folder for frame in frames_in(other, video)}
    with replacing_folder(folder) as temporary:
        recording = open_frames(path, wanted.crop, wanted.reading)
        announce(recording)
        frames, condition = _extract(recording, temporary, wanted, taken)
        total = len(condition.states)
        origin = {"video": path.resolve().as_posix(), "frame_count": total, "frames": frames}
        names = recording.facts().get("images")
        named = {"sources": [names[frame] for frame in frames]} if names else {}
        output_of(temporary, made_from).write_record(**origin, **named)
    log.info("%s: %d of %d frames written to %s", path.name, len(frames), total, folder)
    condition.warn()
    _show(folder, condition, frames, wanted)
    return folder


def folders_of(data_folder: Path, stem: str) -> list[Path]:
    """List the folders for frames of one video: those that exist, stem, stem_2 and so on, and the first that does not.

    Parameters
    ----------
    data_folder : Path
        Folder with one sub-folder per video.
    stem : str
        The video's, see `layout.video_stem`.

    Returns
    -------
    list of Path
        The last one is free.
    """
    folders = [data_folder / stem]
    while folders[-1].exists():
        folders.append(data_folder / f"{stem}_{len(folders) + 1}")
    return folders


def output_of(folder: Path, made_from: Mapping[str, Any]) -> records.Output:
    """Return a folder of frames with what they are made from."""
    return records.Output(str(folder), frames_record(folder), [folder], made_from)


def find_current(folders: Sequence[Path], made_from: Mapping[str, Any]) -> Path | None:
    """Return the folder of frames that were made from the same before, and log that it is current; None without one."""
    for folder in folders:
        recorded = read_frames(folder).get("inputs")
        inputs = recorded if _are_equal_files(recorded, made_from["inputs"]) else made_from["inputs"]
        output = output_of(folder, {**made_from, "inputs": inputs})
        if output.why_stale() is None and output.is_current():
            return folder
    return None


def _are_equal_files(recorded: Any, video: Mapping[str, str]) -> bool:
    """Tell whether what a record says a folder is from is this video, whatever its name was then."""
    return isinstance(recorded, dict) and [*recorded.values()] == [*video.values()]


def _may_be_replaced(folder: Path, video: dict[str, str]) -> bool:
    """Tell whether a folder holds nothing but what its record lists, from the same video, and junk of the system."""
    record = read_frames(folder)
    try:
        listed = {_image_name(frame, _digits(record["frame_count"])) for frame in record["frames"]}
    except (KeyError, TypeError, ValueError):
        return False
    found = {path.name for path in folder.iterdir() if not _JUNK.fullmatch(path.name)}
    return record.get("inputs") == video and found <= {frames_record(folder).name, *listed}


def _digits(total: int) -> int:
    """Return the length of the frame numbers in the images' names."""
    return len(str(max(total - 1, 0)))


def _image_name(frame: int, digits: int) -> str:
    """Name the image of a frame."""
    return f"img{frame:0{digits}d}.png"


def frames_in(folder: Path, video: Mapping[str, str]) -> dict[int, str]:
    """Find the frames of a video that a folder holds.

    Parameters
    ----------
    folder : Path
        A folder of images, of ours or of v1.
    video : mapping of str to str
        Hash of the video by its name. Images that are known to be from another video do not count.

    Returns
    -------
    dict of int to str
        Names of the images by the numbers of the frames.
    """
    recorded = read_frames(folder).get("inputs")
    if recorded is not None and not _are_equal_files(recorded, video):
        return {}
    found = {path.name: re.fullmatch(r"img(?:[0-9]+_frame)?([0-9]+)", path.stem) for path in folder.glob("img*.*")}
    return {int(number[1]): name for name, number in found.items() if number}


def folders_with_frames(data_folder: Path, stem: str, video: Mapping[str, str]) -> list[Path]:
    """List the folders that hold frames of one video, picked by Step 1 and the like, or by hand.

    Parameters
    ----------
    data_folder : Path
        Folder with one sub-folder per video.
    stem : str
        The video's, see `layout.video_stem`.
    video : mapping of str to str
        Its hash by its name.

    Returns
    -------
    list of Path
        Those that are named after it, and those of the same video under another name.
    """
    named = [*folders_of(data_folder, stem)[:-1], *folders_of(data_folder, f"{stem}_picked")[:-1]]
    others = [folder for folder in image_folders(data_folder) if folder not in named] if data_folder.is_dir() else []
    return named + [folder for folder in others if _are_equal_files(read_frames(folder).get("inputs"), video)]


def _extract(video: Recording, folder: Path, wanted: Wanted, taken: Collection[int]) -> tuple[list[int], Condition]:
    """Write chosen frames and return their numbers and the condition of the video."""
    if wanted.framechoice == "random":
        return _extract_random(video, folder, wanted, taken)
    chosen, total = look_for_frames(video, wanted, taken)
    others = (
        "the others are dark, of one colour, damaged, lost, or equal to the one before; framechoice = 'random' leaves "
        "out lost ones only"
    )
    _refuse_too_few(video, wanted, chosen, total, len(taken), others)
    condition = write_frames(video, folder, chosen, _digits(total))
    if len(condition.states) != total or {*chosen}.intersection(condition.lost):
        raise ToolboxError(f"{video.path} has changed while it was read: run Step 1 again when it is complete")
    return chosen, condition


def _refuse_too_few(
    video: Recording, wanted: Wanted, chosen: Sequence[int], total: int, taken: int, others: str
) -> None:
    """Raise ToolboxError when fewer frames are chosen than wanted."""
    if len(chosen) < wanted.numframes2pick:
        raise ToolboxError(
            f"{video.path}: numframes2pick = {wanted.numframes2pick}, but only {len(chosen)} frames can be picked from "
            f"portion = {wanted.portion:g} of its {total} frames ({taken} were picked before, {others})"
        )


def _show(folder: Path, condition: Condition, frames: Sequence[int], wanted: Wanted) -> None:
    """Draw the page of a choice, or remove that of an earlier one."""
    sheet = choice_sheet(folder)
    if wanted.framechoice == "random":
        sheet.unlink(missing_ok=True)
        return
    digits, unit_s = _digits(len(condition.states)), float(condition.video.time_base)
    images = {folder / _image_name(frame, digits): condition.times[frame] * unit_s for frame in frames}
    write_choice_sheet(images, sheet)
    log.info("Look at %s: it shows what was chosen", sheet)


def _extract_random(
    video: Recording, folder: Path, wanted: Wanted, taken: Collection[int]
) -> tuple[list[int], Condition]:
    """Write frames chosen at random and return their numbers and the condition of the video.

    The count in the header is believed only while decoding, which ends with the true one, has not refuted it.
    """
    # A frame takes a byte or more, so the size of the file bounds what a damaged header may claim.
    most = video.path.stat().st_size if video.path.is_file() else video.expected_frames
    total, lost = min(video.expected_frames, most), set[int]()
    while True:
        chosen = choose_frames(total, wanted, {*taken, *lost})
        condition = write_frames(video, folder, chosen, _digits(total))
        delivered, newly_lost = len(condition.states), {*chosen}.intersection(condition.lost)
        if delivered == total and not newly_lost:
            break
        total, lost = delivered, lost | newly_lost
        for image in folder.iterdir():
            image.unlink()
    _refuse_too_few(video, wanted, chosen, total, len(taken), f"{len(lost)} cannot be decoded")
    return chosen, condition


def write_frames(video: Recording, folder: Path, chosen: Sequence[int], digits: int) -> Condition:
    """Write frames of a video as ``img<number>.png``.

    Parameters
    ----------
    video : Recording
        The video, with the crop that is kept.
    folder : Path
        Where the images go.
    chosen : sequence of int
        Numbers of the frames, from 0.
    digits : int
        Length of the numbers in the names.

    Returns
    -------
    Condition
        What was found of each frame that the video delivers. Chosen ones that are lost are not written.
    """
    times, states, wanted = list[int](), list[int](), set(chosen)
    progress = tqdm(video.shown(), desc=video.path.name, total=video.expected_frames or None, unit="frame", leave=False)
    for number, (time, frame, state) in enumerate(progress):
        times.append(time)
        states.append(state)
        if number in wanted and frame is not None:
            write_image(folder / _image_name(number, digits), frame)
    return Condition.of(video, times, states)
