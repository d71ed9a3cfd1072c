"""Matrices of the published and derived golden cases that this version's rules speak about."""

import pandas as pd

PLANTED_FAULTS = pd.DataFrame(
    [
        ["R", "A", "", "I", "I"],
        ["R", "R", "A", "A", ""],
        ["C", "", "A", "C", "I"],
        ["A/R", "R", "R", "R", "C"],
        ["", "I", "", "", "I"],
    ],
    index=[
        "Order confirmation",
        "Set-up help",
        "Warranty claim",
        "Upgrade offer",
        "Feedback request",
    ],
    columns=[
        "Support Rep",
        "Tech Specialist",
        "Success Manager",
        "Sales Rep",
        "Product Team",
    ],
)
"""A matrix with planted faults (G2): of the rules here, one ROW-02, two ROW-03, one ROW-01."""

UPSELL_ARTICLE = pd.DataFrame(
    [["R", "A", "C", "I"], ["A", "R", "C", "I"], ["A", "R", "C", "I"]],
    index=["Awareness", "Consideration", "Decision"],
    columns=["Marketing", "Sales", "Support", "Product"],
)
"""The example of an article on RACI for upsell (G1): no error."""

SUPPORT_ARTICLE = pd.DataFrame(
    [["R", "", "", ""], ["", "R", "", ""], ["", "", "R", ""], ["", "", "", "R"]],
    index=["First enquiries", "Technical issues", "Pre-purchase advice", "After-sale check-in"],
    columns=[
        "Support representative",
        "Technical specialist",
        "Sales representative",
        "Success manager",
    ],
)
"""An article's named assignments (G3): one R a row and nothing else, so ROW-01 four times."""
