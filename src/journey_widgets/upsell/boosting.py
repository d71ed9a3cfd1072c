"""Boosted trees, to be held against the logistic models: of the optional extra ``boost``."""

from typing import Any

import numpy as np

from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import Floats

ROUNDS = 120
SETTINGS = {
    "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 50, "lambda_l2": 1.0, "verbosity": -1,
    "num_threads": 1, "deterministic": True, "force_row_wise": True,
}  # fmt: skip
"""Few, small trees; with one thread and these settings the same rows always give the same trees."""
NEEDED = "Boosting needs LightGBM, which is not installed: pip install 'journey-widgets[boost]'."


class Boosted:
    """Trees that foresee a chance, or a number.

    Parameters
    ----------
    x
        Customers by numbers.
    y
        0 and 1 for a chance; any numbers otherwise.
    seed
        Of the trees.
    chance
        Whether a chance is foreseen.

    Raises
    ------
    JourneyDataError
        LightGBM is not installed.
    """

    def __init__(self, x: Floats, y: Floats, *, seed: int, chance: bool = True) -> None:
        try:
            import lightgbm
        except ImportError:
            raise JourneyDataError(NEEDED) from None
        task = "binary" if chance else "regression"
        self._model: Any = lightgbm.train(
            {**SETTINGS, "objective": task, "seed": seed},
            lightgbm.Dataset(x, label=y),
            num_boost_round=ROUNDS,
        )

    def __call__(self, x: Floats) -> Floats:
        """Return what is foreseen of customers."""
        return np.asarray(self._model.predict(x), dtype=np.float64)

    def moved(self, x: Floats) -> Floats:
        """Return how much each number of each customer moves what is foreseen (of a chance: the logarithm of its odds).

        The contributions of LightGBM itself: Shapley values of its trees.
        """
        return np.asarray(self._model.predict(x, pred_contrib=True), dtype=np.float64)[:, :-1]
