"""Where the parts of a strategy map stand."""

import pandas as pd

from journey_widgets.scorecard.strategy_layout import strategy_layout

LANES = {"customer": "Customer", "process": "Process"}
NODES = pd.DataFrame(
    [("a", "Help soon", "process", 0), ("b", "Deliver", "process", 1), ("c", "Happy", "customer", 0),
     ("d", "Come back", "customer", 1)],
    columns=["node", "label", "lane", "place"],
).assign(status="● on target")  # fmt: skip


def laid(*arrows):
    columns = ["source", "target", "sign", "lag", "grade"]
    return strategy_layout(NODES, pd.DataFrame(arrows, columns=columns), LANES)


def test_a_sign_stands_where_its_line_leaves_on_the_side_it_turns_away_from():
    found = laid(("a", "d", "+", 2, "too short"), ("b", "c", "-", 0, "no series"))
    assert found.signs["sign"].tolist() == ["+ after 2 months", "−"]
    assert found.signs["align"].tolist() == ["right", "left"]
    starts = found.arrows[found.arrows["place"] == 0]
    assert (found.signs["x"].to_numpy() < starts["x"].to_numpy()).tolist() == [True, False]
    assert (found.signs["y"].to_numpy() < starts["y"].to_numpy()).all()  # above the boxes


def test_signs_of_several_arrows_of_one_box_stand_above_each_other():
    found = laid(("a", "c", "+", 0, "too short"), ("a", "d", "+", 1, "too short"))
    first, second = found.signs["y"]
    assert first - second >= 10
    assert found.signs["x"].nunique() == 1


def test_an_arrow_whose_end_is_no_node_is_left_out():
    assert laid(("a", "nobody", "+", 0, "too short")).arrows.empty
