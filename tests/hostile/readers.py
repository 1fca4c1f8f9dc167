"""Read damaged files in a process of its own, because some damage makes the C libraries below the readers crash.

python tests/hostile/readers.py KIND FILE...     prints 'read' or 'refused' for each file in turn
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from deepercut import DeepercutError
from dlc_toolbox import ToolboxError


def read(kind: str, path: Path) -> None:
    """Read one file as the steps do."""
    if kind == "table":
        from dlc_toolbox.tables import read_table

        read_table(path)
    elif kind == "mat":
        from dlc_toolbox.trainset import read_mat

        read_mat(path)
    elif kind == "image":
        from dlc_toolbox.frames import image_size, read_image

        image_size(path), read_image(path)
    elif kind == "snapshot":
        from deepercut.checkpoints import read_weights

        read_weights(path)
    else:
        from dlc_toolbox.sequences import open_frames

        list(open_frames(path))


if __name__ == "__main__":
    logging.disable()
    for name in sys.argv[2:]:
        try:
            read(sys.argv[1], Path(name))
        except (ToolboxError, DeepercutError):
            print("refused", flush=True)
        else:
            print("read", flush=True)
