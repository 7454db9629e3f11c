"""Estimators of a team's own: some that another process can import, some that it cannot."""

from typing import Any, Self

from sklearn.base import BaseEstimator, TransformerMixin


class Shift(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Adds a number, or holds whatever it is given."""

    def __init__(self, by: object = 0) -> None:
        self.by = by

    def fit(self, _x: object, _y: object = None) -> Self:
        """Do nothing: there is nothing to learn."""
        return self

    def transform(self, x: Any) -> Any:
        """Add the number."""
        return x + self.by

    class Inner(BaseEstimator):  # type: ignore[misc]
        """A class within a class."""


def local_shift() -> Shift:
    """Return an estimator whose class only this call knows."""

    class Local(Shift):
        pass

    return Local()


def double(x: Any) -> Any:
    """Twice as much."""
    return 2 * x
