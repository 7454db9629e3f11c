"""Secrets by name and by shape, so that none enters a record (DESIGN law 10).

A parameter is a secret when its key says so (`db_password`, `apiKey`) and it holds text, or when its text has the
shape of a known token. Only the place is ever said, never the value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from lineage_pipelines.capture.token_shapes import find_tokens, token_shape

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A key with one of these words holds a secret, unless it ends in a word that makes it a fact about the secret.
_SECRET_WORDS = _words(
    "password passwd passwort pwd passphrase passcode secret secrets credential credentials apikey accesskey "
    "privatekey secretkey accesstoken authtoken authorization"
)
_RUN_TOGETHER = ("password", "passwd", "passphrase", "apikey", "accesskey", "secretkey", "privatekey")
_ABOUT = _words(
    "age allowed arn attempts backend chars class column columns count days dir enabled entropy env expiry "
    "feature features field fields file files flag format hint index label len length "
    "manager max min name names num path pattern policy present provider ratio regex required reset score size "
    "strength ttl type url uri used valid var variable version"
)
# `token` in text processing is a word, not a key: pad_token, token_pattern, n_tokens.
_TEXT_TOKENS = _words(
    "additional audio begin bos cls class end eos image img index input last first mask max min n new next num number "
    "oov output pad per prefix sep separator special split start stop suffix target time unk unknown visual"
)
_KEY_KINDS = _words("access account api auth deploy encryption hmac license master private secret signing")
_PLACES = _words("dev prod production stage staging test local default old new")

# References to a secret that lives elsewhere; a name is no secret.
_REFERENCE = re.compile(r"\s*(?:\$\{[^}]*\}|\$[A-Z_][A-Z0-9_]*|\{\{.*\}\}|<[^>]*>|\*+|env:\w+)?\s*", re.DOTALL)

_SECRET_FILES = re.compile(
    r"(?i)(?:\.env(?:\..+)?|.+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|ovpn|asc)|id_(?:rsa|dsa|ecdsa|ed25519)"
    r"|\.netrc|_netrc|\.pypirc|\.pgpass|\.npmrc|\.htpasswd|\.git-credentials|\.s3cfg|\.boto"
    r"|(?:client_)?secrets?\.(?:ya?ml|toml|json|ini|env)|credentials(?:\.(?:ya?ml|toml|json|ini|cfg|csv|txt))?|service[-_]account.*\.json"
    r"|.*credentials\.json)"
)
_EXAMPLE_FILES = re.compile(r"(?i).*\.(?:example|sample|template|dist)(?:\..+)?")


def is_secret_name(key: str) -> bool:
    """Whether a key of this name holds a secret, as far as a name can say.

    `db_password`, `apiKey` and `hf_token` do; `max_tokens`, `tokenizer`, `pad_token`, `token_pattern`,
    `password_length` and `sort_key` do not.
    """
    words = [word.lower() for word in _WORDS.findall(key)]
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in _PLACES):
        words.pop()
    if not words or words[-1] in _ABOUT:
        return False
    if _SECRET_WORDS.intersection(words) or any(word.endswith(_RUN_TOGETHER) for word in words):
        return True
    before = words[-2] if len(words) > 1 else ""
    if words[-1] == "token":
        return before not in _TEXT_TOKENS
    return words[-1] == "key" and before in _KEY_KINDS


def is_secret_file(path: str) -> bool:
    """Whether a file of this name is one that holds secrets: `.env`, `server.pem`, `credentials.json` and the like."""
    name = PurePosixPath(path).name
    return bool(_SECRET_FILES.fullmatch(name)) and not _EXAMPLE_FILES.fullmatch(name)


def find_secrets(value: object) -> tuple[str, ...]:
    """Return the key paths of everything in `value` that looks like a secret, in order: `db.password`, `urls[0]`.

    Args:
        value: JSON-like values: mappings, sequences, text, numbers.
    """
    return tuple(dict.fromkeys(_walk(value, "", named=False)))


def secret_lines(data: bytes) -> tuple[tuple[int, str], ...]:
    """Return the 1-based lines of a text that hold something of a token's shape, with what it looks like."""
    found = {data.count(b"\n", 0, token.offset) + 1: token.shape for token in find_tokens(data)}
    return tuple(sorted(found.items()))


def _walk(value: object, path: str, *, named: bool) -> Iterator[str]:
    if isinstance(value, str):
        if (named and not _REFERENCE.fullmatch(value)) or token_shape(value):
            yield path
    elif isinstance(value, Mapping):
        if not (named and set(value) == {"env"}):  # {"env": "NAME"} is Dagster's way to name a variable
            yield from _walk_mapping(value, path, named=named)
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]", named=named)
    elif named and _may_be_secret(value, path):
        yield path


def _walk_mapping(value: Mapping[object, object], path: str, *, named: bool) -> Iterator[str]:
    for key, item in value.items():
        name = shown_key(key)
        if name != key and isinstance(key, str):
            yield f"{path}.{name}".lstrip(".")
        inner = f"{path}.{name}" if path else name
        yield from _walk(item, inner, named=named or (isinstance(key, str) and is_secret_name(key)))


def shown_key(key: object) -> str:
    """Return a key as it may be printed: one that is itself a token is not."""
    if not isinstance(key, str):
        return f"<{type(key).__name__}>"
    return "<a secret as a key>" if token_shape(key) else key


def _may_be_secret(value: object, path: str) -> bool:
    # A number called token is an index in a vocabulary; a number called password is a password.
    if value is None or isinstance(value, bool):
        return False
    return not (isinstance(value, int | float) and "token" in path.rpartition(".")[2].lower())
