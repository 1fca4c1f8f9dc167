"""Images as the page gets them: lossless, of what our reader decodes, named by their content."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dlc_common import UsersError
from dlc_common.images import as_png, image_size, read_image
from dlc_toolbox.labeling.files.labelfiles import signature

log = logging.getLogger(__name__)

_CACHED_BYTES = 128 * 2**20
_REMEMBERED = 64  # images, of which those beside the one looked at are many
FAST = 1
"""Level of compression: what the page waits for is the encoding, not the way to it."""


@dataclass(frozen=True)
class ImageFacts:
    """What the page needs to know of an image before it gets it.

    Parameters
    ----------
    hash : str
        Name of the file's content.
    width, height : int
        In pixels.
    """

    hash: str
    width: int
    height: int


class BytesCache:
    """Contents made recently, up to a number of bytes.

    Parameters
    ----------
    limit : int
        In bytes.
    """

    def __init__(self, limit: int = _CACHED_BYTES):
        self._limit, self._size = limit, 0
        self._contents: OrderedDict[Hashable, bytes] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return a content, made once even when several ask for it at the same time.

        Parameters
        ----------
        key : hashable
            Its name.
        make : callable
            Makes it.
        """
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            try:
                with self._lock:
                    if key in self._contents:
                        self._contents.move_to_end(key)
                        return self._contents[key]
                content = make()
                self._put(key, content)
                return content
            finally:
                with self._lock:
                    self._making.pop(key, None)

    def _put(self, key: Hashable, content: bytes) -> None:
        """Keep a content and forget the oldest ones beyond the limit."""
        with self._lock:
            self._contents[key] = content
            self._size += len(content)
            while self._size > self._limit and len(self._contents) > 1:
                self._size -= len(self._contents.popitem(last=False)[1])


class ImageStore:
    """Images of the project's folders, encoded once and ahead of the person who looks at them.

    Parameters
    ----------
    cache : BytesCache, optional
        Where encoded images stay for a while.
    """

    def __init__(self, cache: BytesCache | None = None):
        self._cache = cache or BytesCache()
        self._facts: dict[Path, tuple[object, ImageFacts]] = {}
        self._reading = threading.Lock()  # or a thread that was held up tells of what is there no more
        self._asked_for: deque[Path] = deque(maxlen=_REMEMBERED)
        self._waiting: list[Future[None]] = []
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="images ahead")

    def facts(self, path: Path) -> ImageFacts:
        """Return hash and size of an image.

        Raises
        ------
        UsersError
            When it is missing or damaged.
        """
        with self._reading:
            now = signature(path)
            known = self._facts.get(path)
            if known is not None and known[0] == now:
                return known[1]
            width, height = image_size(path)
            facts = ImageFacts(hashlib.blake2b(path.read_bytes(), digest_size=12).hexdigest(), width, height)
            self._facts[path] = now, facts
            return facts

    def png(self, path: Path) -> tuple[str, bytes]:
        """Return hash and lossless png of an image.

        Raises
        ------
        UsersError
            When it is missing or damaged.
        """
        facts = self.facts(path)
        return facts.hash, self._cache.get((path, facts.hash), lambda: as_png(read_image(path), FAST))

    def prepare(self, paths: Sequence[Path]) -> None:
        """Encode images in the background; those of the last call that are not done are wanted no more."""
        for waiting in self._waiting:
            waiting.cancel()
        self._asked_for.extend(paths)
        self._waiting = [self._ahead.submit(self._try, path) for path in paths]

    def exchanged(self) -> list[Path]:
        """Find the images, of those asked for lately, whose files hold something else since; each is found once."""
        return [path for path in dict.fromkeys(self._asked_for) if self._is_exchanged(path)]

    def _is_exchanged(self, path: Path) -> bool:
        """Tell whether an image is another one than its facts say; not while its file cannot be read."""
        if not self._was_written(path):
            return False
        before = self._facts[path][1]
        try:
            return self.facts(path) != before
        except (UsersError, OSError):
            return False

    def _was_written(self, path: Path) -> bool:
        """Tell whether a file was written, or is gone, since its facts were read."""
        known = self._facts.get(path)
        return known is not None and signature(path) != known[0]

    def close(self) -> None:
        """Stop working in the background."""
        self._ahead.shutdown(wait=False, cancel_futures=True)

    def _try(self, path: Path) -> None:
        """Encode an image; one that is damaged is told when somebody asks for it, an exchanged one by `exchanged`."""
        if self._was_written(path):
            return
        try:
            self.png(path)
        except (UsersError, OSError) as error:
            log.debug("not prepared: %s", error)
