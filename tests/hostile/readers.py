"""Read damaged files in a process of its own, because some damage makes the C libraries below the readers crash.

python tests/hostile/readers.py KIND FILE...     prints 'read' or 'refused' for each file in turn
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from dlc_common import UsersError
from dlc_common.training_set import read_training_set


def read(kind: str, path: Path) -> None:
    """Read one file as the steps do."""
    if kind == "table":
        from dlc_toolbox.project.tables import read_table

        read_table(path)
    elif kind == "mat":
        read_training_set(path)
    elif kind == "image":
        from dlc_common.images import image_size, read_image

        image_size(path), read_image(path)
    elif kind == "foreign":
        from dlc_toolbox.exchange.readers.fetching import fetch
        from dlc_toolbox.exchange.readers.recognise import read_labels
        from dlc_toolbox.exchange.readers.usable import usable

        found = read_labels(path, path.parent / "scratch", images=path.parents[1], scorer="Ann")
        if not found.frames_of:
            usable(fetch(found))
    elif kind == "snapshot":
        from deepercut.weights.checkpoints import read_weights

        read_weights(path)
    else:
        from dlc_toolbox.video.sequences import open_frames

        list(open_frames(path))


if __name__ == "__main__":
    logging.disable()
    for name in sys.argv[2:]:
        try:
            read(sys.argv[1], Path(name))
        except UsersError:
            print("refused", flush=True)
        else:
            print("read", flush=True)
