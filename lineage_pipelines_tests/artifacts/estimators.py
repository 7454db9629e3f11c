"""Estimators of a team's own: some that another process can import, some that it cannot."""

import enum
import os
import time
from typing import Any, Self

import numpy as np
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


class Link(enum.Enum):
    """An enumeration, which skops cannot load."""

    LOGIT = "logit"


class Word(enum.StrEnum):
    """An enumeration of texts, of which skops loads the text."""

    A = "a"


class Holds(BaseEstimator):  # type: ignore[misc]
    """Holds whatever it is given, and predicts nothing of it."""

    def __init__(self, what: object = None) -> None:
        self.what = what

    def fit(self, _x: object, _y: object = None) -> Self:
        """Do nothing."""
        return self

    def predict(self, x: Any) -> Any:
        """Say zero."""
        return np.zeros(len(x))


class Lost(Holds):
    """Forgets an attribute when it is loaded."""

    def fit(self, _x: object, _y: object = None) -> Self:
        """Have an attribute."""
        self.kept = 1
        return self

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update({name: value for name, value in state.items() if name != "kept"})


class Slow(Holds):
    """Takes its time to be loaded."""

    def __setstate__(self, state: dict[str, object]) -> None:
        time.sleep(60)


_LEARNED = [0.0]


class Moody(Holds):
    """Predicts by what this process has learned, at random, or in another last bit."""

    def fit(self, _x: object, _y: object = None) -> Self:
        """Learn something that is no part of the model."""
        _LEARNED[0] = 1.0
        return self

    def predict(self, x: Any) -> Any:
        """Say what the mood says."""
        if self.what == "random":
            return np.random.default_rng().random(len(x))
        return np.full(len(x), 1 + os.getpid() * 1e-15 if self.what == "rounded" else _LEARNED[0])
