"""What goes wrong, or is changed on purpose, one thing at a time, and which first change tells of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lineage_pipelines_tests.diff_faults.worlds import Draft

Expected = tuple[str, ...]
"""Layer, subject, and words that must be in the text: `("data", "train.temp", "× 0.5556")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One change of a base version."""

    world: str
    """`flights` or `credit`."""
    name: str
    inject: Callable[[Draft], None]
    accepted: Sequence[Expected]
    """First changes that are right; any of them."""

    @property
    def key(self) -> str:
        """The name that it is known by in both worlds."""
        return f"{self.world}: {self.name}"


def unchanged(_: Draft) -> None:
    """Train again, on the same."""


def setting(name: str, value: object) -> Callable[[Draft], None]:
    """Let the launcher set a parameter."""

    def inject(draft: Draft) -> None:
        draft.parameters[name] = value

    return inject


def prepared_with(section: str, name: str, value: object) -> Callable[[Draft], None]:
    """Change params.yaml."""

    def inject(draft: Draft) -> None:
        draft.settings[section][name] = value

    return inject


def command(step: str, text: str) -> Callable[[Draft], None]:
    """Call a step otherwise."""

    def inject(draft: Draft) -> None:
        draft.commands[step] = text

    return inject


def library(name: str, version: str | None) -> Callable[[Draft], None]:
    """Install another version of a library, or remove it."""

    def inject(draft: Draft) -> None:
        draft.packages[name] = version

    return inject


def machine(field: str, value: object) -> Callable[[Draft], None]:
    """Train on another machine."""

    def inject(draft: Draft) -> None:
        draft.machine[field] = value

    return inject


def edit(path: str, text: str, before: str, after: str) -> Callable[[Draft], None]:
    """Edit a source file; `text` is what it holds."""
    assert before in text, f"{path} has no {before!r}"

    def inject(draft: Draft) -> None:
        draft.sources[path] = text.replace(before, after)

    return inject


def both(*injections: Callable[[Draft], None]) -> Callable[[Draft], None]:
    """Do several things in one version."""

    def inject(draft: Draft) -> None:
        for each in injections:
            each(draft)

    return inject


def is_accepted(change: "tuple[str, str, str]", accepted: Sequence[Expected]) -> bool:
    """Return whether layer, subject and text of a change are what is expected."""
    layer, subject, text = change
    return any(
        layer == expected[0] and subject == expected[1] and all(word in text for word in expected[2:])
        for expected in accepted
    )
