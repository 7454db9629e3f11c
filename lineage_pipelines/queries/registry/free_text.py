"""Free text that people write into the log, where it stays for ever: reasons, and owners of keys."""

from lineage_pipelines.errors import RecordError

LONGEST_REASON = 4000
"""In characters. Decisions are read in lists; a longer text belongs in a document that the reason refers to."""


def check_reason(reason: str) -> str:
    """Return the reason of a decision unchanged if it may be stored.

    Raises:
        RecordError: it is empty, too long, not valid Unicode, or seems to contain a secret.
    """
    if "\0" in reason or any("\ud800" <= character <= "\udfff" for character in reason):
        what = "the text holds NUL or half a surrogate pair"
        raise RecordError(what, where="the reason", fix="write it in UTF-8, without those characters")
    if not any(character.isprintable() and not character.isspace() for character in reason):
        raise RecordError("the reason is empty", fix="give the reason, for later readers")
    if len(reason) > LONGEST_REASON:
        raise RecordError(
            f"the reason has {len(reason):,} characters, more than {LONGEST_REASON:,}",
            fix="shorten it, and refer to a document for the rest",
        )
    return check_no_secret(reason, "the reason")


def check_no_secret(text: str, what: str) -> str:
    """Return a text unchanged if it seems to contain no secret.

    Args:
        text: the text.
        what: a name of the text for the message, which never quotes the text.

    Raises:
        RecordError: a part of it looks like a secret by the rules for parameters.
    """
    from lineage_pipelines.capture.secrets import find_secrets

    if find_secrets(text):
        raise RecordError(
            f"{what} seems to contain a secret, and nothing can be removed from the log later",
            where=what,
            fix="say where the secret is stored instead; nothing was written",
        )
    return text
