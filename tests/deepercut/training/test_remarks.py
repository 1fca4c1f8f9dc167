"""What is said of a configuration before it trains."""

from deepercut.training.remarks import remark


def test_rates_that_are_made_for_sgd_are_told(make_config, caplog):
    for rates in ({"optimizer": "sgd"}, {"lr_schedule": None}, {"lr_schedule": "cosine"}, {"multi_step": [[0.001, 9]]}):
        remark(make_config(**{"optimizer": "adam", "lr_schedule": "multi_step", "adam_lr": 0.0005, **rates}))
    assert caplog.text == ""
    remark(make_config(optimizer="adam", lr_schedule="multi_step", adam_lr=0.0005, multi_step=[[0.005, 9], [0.02, 99]]))
    assert "trains at the rates of multi_step, up to 0.02, which is 40 times adam_lr" in caplog.text


def test_what_a_mirror_exchanges_is_told(make_config, caplog):
    caplog.set_level("INFO")
    parts = {"num_joints": 3, "all_joints_names": ["nose", "ear_left", "ear_right"]}
    remark(make_config(mirror=True, all_joints=[[0], [1, 2]], **parts))
    assert "In mirrored images these change places: ear_left and ear_right\n" in caplog.text
    remark(make_config(mirror=True, all_joints=[[0], [1], [2]], **parts))
    assert "mirror: true, but all_joints pairs no body parts" in caplog.text
