"""The plan of the network, against the network that Keras builds."""

import pytest

from deepercut.network.architecture import UNITS, bottlenecks, depth_of, weight_shapes
from deepercut.network.posenet import build_posenet


@pytest.mark.parametrize(
    ("depth", "location_refinement"), [(50, True), pytest.param(101, False, marks=pytest.mark.campaign)]
)
def test_weight_shapes_are_those_of_the_keras_network(depth, location_refinement):
    network = build_posenet(depth, 3, (0, 0, 0), location_refinement)
    shapes = {f"{layer.name}/{weight.name}": weight.shape for layer in network.layers for weight in layer.weights}
    assert weight_shapes(depth, 3, location_refinement) == shapes


def test_blocks_end_with_their_stride_until_the_output_stride_is_reached():
    last = {16: [(2, 1), (2, 1), (1, 1), (1, 2)], 32: [(2, 1), (2, 1), (2, 1), (1, 1)]}
    for output_stride, expected in last.items():
        units = {unit.name: unit for unit in bottlenecks(50, output_stride)}
        ends = [units[f"block{block}_unit_{count}"] for block, count in enumerate(UNITS[50], 1)]
        assert [(unit.stride, unit.dilation) for unit in ends] == expected
        assert all(unit.stride == 1 for unit in units.values() if unit not in ends)


def test_units_join():
    units = list(bottlenecks(152))
    assert [unit.outputs for unit in units[:-1]] == [unit.inputs for unit in units[1:]]
    assert [unit.name for unit in units if unit.projects] == [f"block{block}_unit_1" for block in (1, 2, 3, 4)]


def test_depth_is_told_by_the_names_whatever_else_is_among_them():
    for depth, units in UNITS.items():
        names = [f"block3_unit_{unit}_conv1" for unit in range(1, units[2] + 1)]
        assert depth_of([*names, *names, "part_pred", "block3_unit_1_conv1_bn"]) == depth
    assert depth_of(["conv1", "block3_unit_1_conv1"]) is None
