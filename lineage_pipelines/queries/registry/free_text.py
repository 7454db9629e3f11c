"""Free text that people write into the log: why they decided, whose a key is. It stays there for ever."""

from lineage_pipelines.errors import RecordError

LONGEST_REASON = 4000
"""In characters. A decision is read in a list; what is longer belongs into a document that it names."""


def check_reason(reason: str) -> str:
    """Return why something was decided, as it was written.

    Raises:
        RecordError: nobody can read it, it is no text, it is too long, or something in it looks like a secret.
    """
    if "\0" in reason or any("\ud800" <= character <= "\udfff" for character in reason):
        what = "the text holds NUL or half a surrogate pair"
        raise RecordError(what, where="the reason", fix="write it in UTF-8, without those characters")
    if not any(character.isprintable() and not character.isspace() for character in reason):
        raise RecordError("the reason is empty", fix="say why, for those who come later")
    if len(reason) > LONGEST_REASON:
        raise RecordError(
            f"the reason has {len(reason):,} characters, more than {LONGEST_REASON:,}",
            fix="say it shorter, and name the document that says the rest",
        )
    return check_no_secret(reason, "the reason")


def check_no_secret(text: str, what: str) -> str:
    """Return text that is to stay in the log.

    Args:
        text: what somebody wrote.
        what: what it is, for the message; the text is never told.

    Raises:
        RecordError: something in it looks like a secret, by the rules for parameters.
    """
    from lineage_pipelines.capture.secrets import find_secrets

    if find_secrets(text):
        raise RecordError(
            f"{what} holds what looks like a secret; what is in the log can never be taken out",
            where=what,
            fix="name where the secret is kept instead; nothing was stored",
        )
    return text
