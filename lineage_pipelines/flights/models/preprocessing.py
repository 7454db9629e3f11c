"""Preprocessing: the features table as linear and tree models read it; part of every saved pipeline.

Columns are taken by name from `FEATURES`, so that a model can be given a whole row and never reads the label. A value
that training did not see, such as a new destination, is not an error.
"""

from typing import TYPE_CHECKING

from lineage_pipelines.flights.preparation.columns import Kind
from lineage_pipelines.flights.preparation.features import FEATURES

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

NUMBERS = [feature.name for feature in FEATURES if feature.kind is Kind.NUMBER]
CATEGORIES = [feature.name for feature in FEATURES if feature.kind is Kind.CATEGORY]

# Values rarer than this share one column of the linear models.
_RARE = 50


def linear_pipeline(estimator: object) -> "Pipeline":
    """Return a pipeline for a linear model: one column a category, numbers standardized, gaps filled and marked."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = Pipeline([("fill", SimpleImputer(strategy="median", add_indicator=True)), ("scale", StandardScaler())])
    encode = OneHotEncoder(min_frequency=_RARE, handle_unknown="infrequent_if_exist")
    columns = ColumnTransformer([("categories", encode, CATEGORIES), ("numbers", numbers, NUMBERS)])
    return Pipeline([("columns", columns), ("model", estimator)])


def tree_pipeline(estimator: object) -> "Pipeline":
    """Return a pipeline for histogram gradient boosting: numbers as they are, gaps too, categories as codes.

    Codes and not the estimator's own categories: trees split them as well here, and the saved model needs no type
    from outside scikit-learn.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=float("nan"))
    columns = ColumnTransformer([("categories", encode, CATEGORIES), ("numbers", "passthrough", NUMBERS)])
    return Pipeline([("columns", columns), ("model", estimator)])
