"""The videos behind the images: their neighbouring frames, and frames picked by hand."""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlc_common import UsersError
from dlc_common.fingerprints import fingerprint
from dlc_common.images import as_png, write_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.frames.choosing import check_imagetype, folders_of, folders_with_frames, frames_in
from dlc_toolbox.frames.recorded import read_frames
from dlc_toolbox.labeling.files.labelfiles import signature
from dlc_toolbox.labeling.frames.images import FAST, BytesCache
from dlc_toolbox.labeling.frames.scrub import FrameReader
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import Layout, frames_record, video_stem
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.video.recording import Crop, Reading

log = logging.getLogger(__name__)

PICKED = "picked by hand"
_PICKED_NAME = re.compile(r"img([0-9]+)_frame([0-9]+)\.png")
_OPEN_READERS = 4
_CACHED_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Source:
    """Where an image is from.

    Parameters
    ----------
    video : Path
        The recording.
    frame : int
        Number of the frame.
    crop : (x1, x2, y1, y2), optional
        What of the frame the image shows.
    """

    video: Path
    frame: int
    crop: Crop | None


class Videos:
    """The videos of a project, by name.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        vidpath, filename, the crop and imagetype.
    """

    def __init__(self, layout: Layout, settings: Settings):
        self._settings = settings
        self._data_folder = layout.data_folder(settings.Task)
        self._home = layout.training_set_root / Path(settings.vidpath).expanduser()
        named = [self._home / name for name in settings.filename]
        self.paths = {path.name: path for path in reversed(named) if path.is_file()}
        self._cache = BytesCache(_CACHED_BYTES)
        self._readers: OrderedDict[tuple, FrameReader] = OrderedDict()
        self._fingerprints: dict[Path, tuple[object, str]] = {}
        self._picking, self._opening = threading.Lock(), threading.Lock()

    def facts(self, name: str) -> dict[str, Any]:
        """Return number of frames and rate of a video; None where it cannot be read."""
        try:
            reader = self._reader(self.paths[name], self._settings.crop)
            return {"frames": reader.count(), "fps": reader.fps}
        except UsersError as error:
            log.warning("%s", error)
            return {"frames": None, "fps": None}

    def frame_png(self, name: str, number: int) -> bytes:
        """Return a frame of a video, cropped as Step 1 would.

        Raises
        ------
        KeyError
            When the project has no such video.
        UsersError
            When there is no such frame.
        """
        return self._png(Source(self.paths[name], number, self._settings.crop))

    def neighbour_png(self, folder: Path, image: str, offset: int) -> bytes:
        """Return the frame `offset` frames after an image's, cropped as the image.

        Raises
        ------
        UsersError
            When the video is not at hand, or has no such frame.
        """
        source = self._source(folder, image)
        return self._png(Source(source.video, source.frame + offset, source.crop))

    def video_of(self, folder: Path) -> tuple[str | None, str | None]:
        """Return the name of the video that a folder's images are from, or why it cannot be shown."""
        try:
            record = _record(folder)
            self._locate(record)
        except UsersError as error:
            return None, str(error)
        return Path(record["video"]).name, None

    def pick(self, name: str, number: int) -> tuple[str, str]:
        """Take a frame into the images to label.

        Parameters
        ----------
        name : str
            The video's.
        number : int
            The frame's, from 0.

        Returns
        -------
        str
            Name of the folder: ``<video>_picked``, or that of Step 1 which holds the frame already.
        str
            Name of the image. The numbers of images count up, so that a new one comes last in the order of names and
            moves none that is labeled.

        Raises
        ------
        KeyError
            When the project has no such video.
        UsersError
            When there is no such frame, or the system refuses to write.
        """
        check_imagetype(self._settings)
        video, crop = self.paths[name], self._settings.crop
        inputs = {video.name: self._fingerprint(video)}
        made_from = {"inputs": inputs, "settings": {"crop": crop and list(crop)}}
        with self._picking:
            present = self._picked_before(video, number, inputs)
            if present is not None:
                return present
            candidates = folders_of(self._data_folder, f"{video_stem(video)}_picked")
            folder = next(path for path in candidates if not path.exists() or _is_picked(path, inputs))
            places = [int(found[1]) for found in _picked_images(folder).values()]
            image = f"img{max(places, default=0) + 1:03d}_frame{number:06d}.png"
            pixels = self._reader(video, crop).frame(number)
            if not folder.exists():
                self._record_picked(folder, video, made_from)
            write_image(folder / image, pixels)
            self._record_picked(folder, video, made_from)
        log.info("%s: frame %d is %s/%s", name, number, folder.name, image)
        return folder.name, image

    def _picked_before(self, video: Path, number: int, inputs: dict[str, str]) -> tuple[str, str] | None:
        """Return folder and image that hold a frame already."""
        for folder in folders_with_frames(self._data_folder, video_stem(video), inputs):
            if image := frames_in(folder, inputs).get(number):
                return folder.name, image
        return None

    def _record_picked(self, folder: Path, video: Path, made_from: dict[str, Any]) -> None:
        """Write down where the images of a folder are from; those that a killed run left are found by their names."""
        record = frames_record(folder)
        images = records.read(record).get("images", {}) if record.is_file() else {}
        crop = made_from["settings"]["crop"]
        for name, found in _picked_images(folder).items():
            images.setdefault(name, {"frame": int(found[2]), "crop": crop})
        facts = {"video": video.resolve().as_posix(), "frame_count": self._reader(video, self._settings.crop).count()}
        frames = [images[name]["frame"] for name in sorted(images)]
        output = records.Output(str(folder), record, [folder], made_from)
        output.write_record(**facts, frames=frames, images=images, **{PICKED: True})

    def _source(self, folder: Path, image: str) -> Source:
        """Return where an image is from."""
        record = _record(folder)
        picked = record.get("images", {}).get(image) if record.get(PICKED) else None
        found = re.fullmatch(r"img([0-9]+)", Path(image).stem)
        if picked is not None:
            frame, crop = picked["frame"], picked["crop"]
        elif found is not None and int(found[1]) in record["frames"]:
            frame, crop = int(found[1]), record.get("settings", {}).get("crop")
        else:
            raise ToolboxError(f"{folder.name}/frames.json does not tell which frame {image} is")
        video = self._locate(record)
        known = record.get("inputs", {}).get(video.name)
        if known is not None and not video.is_dir() and self._fingerprint(video) != known:
            raise ToolboxError(f"{video} is another video than the one that the images of {folder.name} are from")
        return Source(video, frame, tuple(crop) if crop else None)

    def _locate(self, record: dict[str, Any]) -> Path:
        """Return the path of the video that a record names, where it was or where the settings say."""
        recorded = Path(record["video"])
        places = [recorded, self._home / recorded.name]
        found = next((path for path in places if path.exists()), None)
        if found is None:
            folders = " or ".join(dict.fromkeys(str(place.parent.resolve()) for place in places))
            raise ToolboxError(
                f"{recorded.name} is not in {folders}: its frames cannot be shown; labeling works without them"
            )
        return found

    def _png(self, source: Source) -> bytes:
        """Return a frame as png."""
        key = source.video, signature(source.video), source.frame, source.crop
        return self._cache.get(key, lambda: as_png(self._reader(source.video, source.crop).frame(source.frame), FAST))

    def _reader(self, video: Path, crop: Crop | None) -> FrameReader:
        """Return a reader of a video; a few stay open."""
        key = video, signature(video), crop
        with self._opening:
            reader = self._readers.get(key) or FrameReader(video, crop, Reading.of(self._settings))
            self._readers[key] = reader
            self._readers.move_to_end(key)
            while len(self._readers) > _OPEN_READERS:
                self._readers.popitem(last=False)
        return reader

    def _fingerprint(self, video: Path) -> str:
        """Return the fingerprint of a video, taken once."""
        now = signature(video)
        if video not in self._fingerprints or self._fingerprints[video][0] != now:
            self._fingerprints[video] = now, fingerprint(video)
        return self._fingerprints[video][1]


def _record(folder: Path) -> dict[str, Any]:
    """Read what tells where a folder's images are from."""
    path = frames_record(folder)
    if not path.is_file():
        raise ToolboxError(f"{folder.name} has no frames.json, which would tell the video: its frames cannot be shown")
    record = records.read(path)
    if not isinstance(record.get("video"), str) or not isinstance(record.get("frames"), list):
        raise ToolboxError(f"{path} does not tell which frames of which video are there")
    return record


def _is_picked(folder: Path, inputs: dict[str, str]) -> bool:
    """Tell whether a folder holds frames of this video that were picked by hand."""
    record = read_frames(folder)
    return record.get(PICKED) is True and record.get("inputs") == inputs


def _picked_images(folder: Path) -> dict[str, re.Match]:
    """Return the images picked by hand: place and frame by name."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return {name: found for name in names if (found := _PICKED_NAME.fullmatch(name))}
