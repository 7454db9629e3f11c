"""Change: one thing that differs between two versions, with its kind, subject, values and place in the order."""

from dataclasses import dataclass
from enum import StrEnum

from lineage_pipelines.queries.diff.changes import (
    ColumnChange,
    DatasetChange,
    EvaluationChange,
    Evidence,
    FileChange,
    OverlapChange,
    PackageChange,
    ParameterChange,
    SchemaChange,
    StageChange,
)
from lineage_pipelines.records.statement.dataset import Delivery
from lineage_pipelines.records.values.canonical import Json


class Layer(StrEnum):
    """The part of a record that a change is in."""

    DATA = "data"
    PREPARATION = "preparation"
    CODE = "code"
    PARAMETERS = "parameters"
    ENVIRONMENT = "environment"
    EVALUATION = "evaluation"
    METRICS = "metrics"
    """An outcome: the chosen candidate, a check of a metric."""
    NOTHING = "nothing"


class ChangeKind(StrEnum):
    """What changed."""

    INPUT_ADDED = "input_added"
    INPUT_REMOVED = "input_removed"
    ROLE_CHANGED = "role_changed"
    INPUTS_EXCHANGED = "inputs_exchanged"
    """Each of two inputs has the content that the other one had."""
    ROWS_SHARED = "rows_shared"
    """Rows that are measured on and trained on."""
    ROWS_REPEATED = "rows_repeated"
    KEY_REPEATED = "key_repeated"
    """A column whose values were unique has repeats now."""
    TABLE_REPLACED = "table_replaced"
    """Nearly all columns are others."""
    COLUMNS_ADDED = "columns_added"
    COLUMNS_REMOVED = "columns_removed"
    COLUMN_RENAMED = "column_renamed"
    COLUMN_RETYPED = "column_retyped"
    COLUMNS_CHANGED = "columns_changed"
    """The values of one column, or of several that changed alike."""
    COLUMNS_EXCHANGED = "columns_exchanged"
    ROWS_REARRANGED = "rows_rearranged"
    """Every column has its values, in rows that were not there before."""
    ROWS_REPLACED = "rows_replaced"
    """As many rows, whose columns hold much the same values each, and that were not there before."""
    ROWS_ADDED = "rows_added"
    ROWS_REMOVED = "rows_removed"
    ORDER_CHANGED = "order_changed"
    """The same rows, in another order or encoding."""
    FILES_CHANGED = "files_changed"
    ORIGIN_CHANGED = "origin_changed"
    """An import from another repository, commit or address."""
    CONTENT_CHANGED = "content_changed"
    """Other bytes, and no more is known."""
    STEP_NOT_RUN = "step_not_run"
    """A step was not run again although what it reads changed."""
    STEP_ADDED = "step_added"
    STEP_REMOVED = "step_removed"
    STEP_PARAMETER_CHANGED = "step_parameter_changed"
    STEP_COMMAND_CHANGED = "step_command_changed"
    STEP_CODE_CHANGED = "step_code_changed"
    STEP_OUTPUT_CHANGED = "step_output_changed"
    """Other output, though nothing that the step declares differs."""
    SOURCE_ADDED = "source_added"
    SOURCE_REMOVED = "source_removed"
    SOURCE_CHANGED = "source_changed"
    LAYOUT_CHANGED = "layout_changed"
    """Comments or layout of a source file."""
    ENTRY_CHANGED = "entry_changed"
    """Another training function."""
    PATCH_CHANGED = "patch_changed"
    """Other uncommitted work, in files that training does not reach."""
    SOURCES_UNKNOWN = "sources_unknown"
    OTHER_FILES_CHANGED = "other_files_changed"
    """Files that changed between the two commits and that no recorded part reaches."""
    OPENED_FILE_CHANGED = "opened_file_changed"
    """A file that training was seen to open, and that nothing declares, changed between the two commits."""
    PARAMETER_ADDED = "parameter_added"
    PARAMETER_REMOVED = "parameter_removed"
    PARAMETER_CHANGED = "parameter_changed"
    DEFAULT_CHANGED = "default_changed"
    SEED_CHANGED = "seed_changed"
    LIBRARY_CHANGED = "library_changed"
    OTHER_LIBRARIES_CHANGED = "other_libraries_changed"
    """Libraries that the training did not import."""
    LIBRARIES_UNKNOWN = "libraries_unknown"
    """The lists of libraries differ, and one of them is not stored."""
    MACHINE_CHANGED = "machine_changed"
    UNDECLARED_CHANGED = "undeclared_changed"
    """Training reads other variables or files beside what is recorded."""
    RECORDER_CHANGED = "recorder_changed"
    PARTITION_CHANGED = "partition_changed"
    MEASURED_ON_OTHER_DATA = "measured_on_other_data"
    MEASURED_BY_OTHER_CODE = "measured_by_other_code"
    CHECK_FAILED = "check_failed"
    CHOICE_CHANGED = "choice_changed"
    """Another candidate or estimator."""
    NOTHING = "nothing"
    UNEXPLAINED = "unexplained"
    """Metrics differ, and nothing that was recorded does."""


Part = (
    ColumnChange | OverlapChange | SchemaChange | StageChange | FileChange | PackageChange | ParameterChange
    | EvaluationChange
)  # fmt: skip
"""What a change is about, with all that is known of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that differs. It says what differs, never what caused anything; `reports` writes it as text."""

    kind: ChangeKind
    layer: Layer
    subject: str
    """What it is about: `train.temp`, `data/raw/orders.csv`, `learning_rate`, `scikit-learn`, `lib/train.py`."""
    score: float
    """By which changes are ordered, the greatest first; see `docs/explanation/diff.md`."""
    before: Json = None
    after: Json = None
    evidence: Evidence = Evidence.RECORD
    columns: tuple[str, ...] = ()
    """The columns of a table that changed, all in the same way."""
    names: tuple[str, ...] = ()
    """Files, libraries or metrics, where a change is about several."""
    dataset: DatasetChange | None = None
    """The dataset that a change of data is in."""
    part: Part | None = None
    delivery: Delivery | None = None
    """Of the first change in a tracked file: how it came."""
