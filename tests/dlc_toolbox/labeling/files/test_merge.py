import pytest

from dlc_toolbox.labeling.files.merge import NOT_VISIBLE, Conflict, merge_image, merge_part

A, B, C = (1.0, 1.0), (2.0, 2.0), (3.0, 3.0)


@pytest.mark.parametrize(
    ("base", "yours", "theirs", "merged", "conflict"),
    [
        (None, None, None, None, None),
        (A, A, A, A, None),
        (A, A, B, B, None),  # only they changed it
        (A, B, A, B, None),  # only you did
        (None, B, None, B, None),  # Fiji saves what it knew before you placed it
        (None, None, B, B, None),
        (A, B, B, B, None),  # both, alike
        (A, B, C, C, Conflict(B, C)),
        (None, B, C, C, Conflict(B, C)),
        (A, None, B, B, Conflict(None, B)),
        (A, None, A, None, None),  # you deleted it, Fiji saves the old one
        (A, NOT_VISIBLE, A, NOT_VISIBLE, None),
        (NOT_VISIBLE, NOT_VISIBLE, A, A, None),
        (None, NOT_VISIBLE, A, A, Conflict(NOT_VISIBLE, A)),
        (A, A, None, A, Conflict(A, None)),  # Fiji saved fewer rows: nothing is lost
        (A, B, None, B, Conflict(B, None)),
        (A, None, None, None, None),
        (A, NOT_VISIBLE, None, NOT_VISIBLE, None),
    ],
)
def test_one_label(base, yours, theirs, merged, conflict):
    assert merge_part(base, yours, theirs) == (merged, conflict)


def test_parts_are_merged_one_by_one():
    merged, conflicts = merge_image({"nose": A}, {"nose": A, "paw": B}, {"nose": C, "tail": B})
    assert merged == {"nose": C, "paw": B, "tail": B}
    assert conflicts == {}
