"""A ResNet-50 of few and narrow layers, some of each kind: for tests of what holds for networks of any size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deepercut.network import architecture


@contextmanager
def few_and_narrow_layers() -> Iterator[None]:
    """Let every ResNet-50 be thin that is made in this process."""
    from deepercut.network import resnet

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(architecture.UNITS, 50, (1, 2, 2, 1))
        patch.setattr(architecture, "STEM_FILTERS", 8)
        patch.setattr(resnet, "STEM_FILTERS", 8)
        yield
