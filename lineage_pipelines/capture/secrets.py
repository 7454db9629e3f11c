"""Secrets by name and by the token shapes of providers, so that none enters a record (DESIGN law 10)."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class TokenShape:
    """One form of secret."""

    name: str
    """What it is, for messages."""
    anchor: bytes
    """Lower case; every match holds it, in any case."""
    expression: bytes

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """What a match looks like; compiled for the first text that holds the anchor."""
        return _compiled(self.expression)


@functools.cache
def _compiled(expression: bytes) -> re.Pattern[bytes]:
    return re.compile(expression)


def _shape(name: str, anchor: str, expression: str) -> TokenShape:
    return TokenShape(name, anchor.encode(), expression.encode())


# The anchors and character classes keep every pattern linear: no nested repetition.
_START = r"(?<![A-Za-z0-9_])"  # a hyphen may stand before: a removed line of a patch begins with one
_END = r"(?![A-Za-z0-9_-])"
# A placeholder for a password in a template is not a secret: ${NAME}, {name}, <password>, %s, ***.
_NO_TEMPLATE = r"(?![$%{<*])"

TOKEN_SHAPES: tuple[TokenShape, ...] = (
    *(
        _shape("an AWS access key", prefix.lower(), rf"{_START}{prefix}[A-Z0-9]{{16}}{_END}")
        for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")
    ),
    _shape(
        "an AWS secret key",
        "secret_access_key",
        r"(?i)secret_access_key['\"]?\s{0,8}[=:]\s{0,8}['\"]?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])",
    ),
    *(
        _shape("a GitHub token", f"gh{kind}_", rf"{_START}gh{kind}_[A-Za-z0-9]{{36,255}}{_END}")
        for kind in ("p", "o", "u", "s", "r")
    ),
    _shape("a GitHub token", "github_pat_", rf"{_START}github_pat_[A-Za-z0-9_]{{22,255}}"),
    _shape("a GitLab token", "glpat-", rf"{_START}glpat-[A-Za-z0-9_-]{{20,}}"),
    _shape("a GitLab token", "gldt-", rf"{_START}gldt-[A-Za-z0-9_-]{{20,}}"),
    _shape("a GitLab token", "glrt-", rf"{_START}glrt-[A-Za-z0-9_-]{{20,}}"),
    _shape("a Slack token", "xox", rf"{_START}xox[abeoprs]-[A-Za-z0-9-]{{10,}}"),
    _shape("a Slack token", "xapp-", rf"{_START}xapp-[0-9]-[A-Za-z0-9-]{{10,}}"),
    _shape("a Slack webhook", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/+_-]{20,}"),
    _shape("a Discord webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/[0-9]{6,}/[A-Za-z0-9_-]{20,}"),
    _shape("a Google API key", "aiza", rf"{_START}AIza[A-Za-z0-9_-]{{35}}{_END}"),
    _shape("a Google OAuth token", "ya29.", rf"{_START}ya29\.[A-Za-z0-9_-]{{20,}}"),
    _shape("a Google OAuth secret", "gocspx-", rf"{_START}GOCSPX-[A-Za-z0-9_-]{{20,}}"),
    *(
        _shape("a Stripe key", f"{kind}_{mode}_", rf"{_START}{kind}_{mode}_[A-Za-z0-9]{{10,}}")
        for kind in ("sk", "rk")
        for mode in ("live", "test")
    ),
    _shape("a private key", "private key", r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    _shape("a PuTTY private key", "putty-user-key-file-", r"PuTTY-User-Key-File-[0-9]"),
    _shape("a JSON web token", "eyj", rf"{_START}eyJ[A-Za-z0-9_-]{{8,}}\.eyJ[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{8,}}"),
    _shape(
        "a URL with a password",
        "://",
        r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/:@'\"`<>\\]{0,128}:"
        rf"{_NO_TEMPLATE}[^\s/@'\"`<>\\]{{1,256}}@[^\s/@'\"`]",
    ),
    _shape("a bearer token", "bearer ", r"[Bb]earer [A-Za-z0-9._~+/-]{24,}"),
    _shape(
        "a basic authorization", "basic ", r"(?i)authorization['\"]?\s{0,8}[:=]\s{0,8}['\"]?basic [A-Za-z0-9+/]{8,}"
    ),
    _shape("an OpenAI key", "t3blbkfj", rf"{_START}sk-[A-Za-z0-9_-]{{16,}}T3BlbkFJ[A-Za-z0-9_-]{{16,}}"),
    _shape("an OpenAI key", "sk-proj-", rf"{_START}sk-proj-[A-Za-z0-9_-]{{20,}}"),
    _shape("an Anthropic key", "sk-ant-", rf"{_START}sk-ant-[A-Za-z0-9_-]{{20,}}"),
    _shape("an API key", "sk-", rf"{_START}sk-[A-Za-z0-9]{{32,}}{_END}"),
    _shape("a Hugging Face token", "hf_", rf"{_START}hf_[A-Za-z0-9]{{30,}}{_END}"),
    _shape("an npm token", "npm_", rf"{_START}npm_[A-Za-z0-9]{{36}}{_END}"),
    _shape("a PyPI token", "pypi-ageichlwas", r"pypi-AgEIcHlwaS[A-Za-z0-9_-]{30,}"),
    _shape("a SendGrid key", "sg.", rf"{_START}SG\.[A-Za-z0-9_-]{{16,32}}\.[A-Za-z0-9_-]{{16,64}}"),
    _shape("a Mailgun key", "key-", rf"(?<!-){_START}key-[0-9a-f]{{32}}{_END}"),
    _shape("an Azure storage key", "accountkey=", r"(?i)AccountKey=[A-Za-z0-9+/]{40,}"),
    _shape("an Azure shared access signature", "sig=", r"[?&;]sig=[A-Za-z0-9%/+]{32,}"),
    _shape("a Databricks token", "dapi", rf"{_START}dapi[0-9a-f]{{32}}"),
    _shape("a DigitalOcean token", "_v1_", rf"{_START}do[oprt]_v1_[0-9a-f]{{64}}"),
    _shape("a Docker token", "dckr_pat_", rf"{_START}dckr_pat_[A-Za-z0-9_-]{{20,}}"),
    _shape("a Shopify token", "shp", rf"{_START}shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}}"),
    _shape("a Telegram bot token", ":aa", rf"(?<![0-9A-Za-z])[0-9]{{8,10}}:AA[A-Za-z0-9_-]{{33}}{_END}"),
    _shape("a Vault token", "hvs.", rf"{_START}hvs\.[A-Za-z0-9_-]{{24,}}"),
    _shape("an Atlassian token", "atatt3", rf"{_START}ATATT3[A-Za-z0-9_=-]{{40,}}"),
    _shape("a Grafana token", "glsa_", rf"{_START}glsa_[A-Za-z0-9]{{32}}_[A-Za-z0-9]{{8}}"),
    _shape("an age secret key", "age-secret-key-1", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    *(
        # libpq and ODBC connection strings, whatever the password looks like.
        _shape(
            "a connection string with a password",
            f"{word}=",
            r"(?i)\b(?:host|server|data source|dbname|database|user|user id|uid)="
            r"[^\s;,='\"]{1,128}[;\s][^\n'\"]{0,256}?"
            rf"\b{word}={_NO_TEMPLATE}[^\s;'\"(]{{1,128}}",
        )
        for word in ("password", "pwd")
    ),
    *(
        # A line of an env file or a word of a command; code (`password=None,`) has no digit and no end there.
        _shape(
            "a password setting",
            f"{word}=",
            rf"(?im)(?:^|[;\s'\"+_]){word}={_NO_TEMPLATE}(?=[^\s;'\"]*[0-9!@#^&])[^\s;'\"()\[\],]{{4,128}}(?=[;\s'\"]|$)",
        )
        for word in ("password", "passwd", "pwd")
    ),
)


@dataclass(frozen=True, slots=True)
class TokenFound:
    """Where a secret is, and of what form; not the secret."""

    offset: int
    end: int
    shape: str


def find_tokens(data: bytes) -> Iterator[TokenFound]:
    """Yield every place where `data` holds something of a token's shape, shape by shape."""
    lowered = data.lower()
    for shape in TOKEN_SHAPES:
        if shape.anchor in lowered:
            for match in shape.pattern.finditer(data):
                yield TokenFound(match.start(), match.end(), shape.name)


def token_shape(text: str) -> str | None:
    """Return what kind of secret the text holds by its shape, or None."""
    data = text.encode("utf-8", "surrogatepass")
    return next((found.shape for found in find_tokens(data)), None)


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

# References to a secret that lives elsewhere; a name is not a secret.
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


MASK = b"<masked>"
"""What stands where a secret was."""
_WHOLE_FILE = ("a private key", "a PuTTY private key")
"""Forms of secrets of which only the first line is recognised."""


def mask_secrets(data: bytes, path: str) -> tuple[bytes | None, tuple[int, ...]]:
    """Return a text with `MASK` for what looks like a secret, and where in the text given that was, in order.

    None instead of a text that cannot be masked line by line, because it holds a private key.

    Args:
        data: the text.
        path: the name of its file: values that are given to names of secrets count, too.
    """
    tokens = list(find_tokens(data))
    spans = sorted({*((token.offset, token.end) for token in tokens), *find_named_values(data, path)})
    offsets = tuple(start for start, _ in spans)
    if any(token.shape in _WHOLE_FILE for token in tokens):
        return None, offsets
    parts, end = [], 0
    for start, stop in spans:
        parts.append(data[end:start] + (MASK if start >= end else b""))
        end = max(end, stop)
    return b"".join([*parts, data[end:]]), offsets


def secret_lines(data: bytes) -> tuple[tuple[int, str], ...]:
    """Return the 1-based lines of a text that hold something of a token's shape, with what it looks like."""
    found = {data.count(b"\n", 0, token.offset) + 1: token.shape for token in find_tokens(data)}
    return tuple(sorted(found.items()))


_GIVEN = re.compile(
    rb"(?<![A-Za-z0-9_])(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,63}+)(?:\\?[\"']\]?)?[ \t]{0,8}"
    rb"(?::[ \t]{0,4}[A-Za-z_][A-Za-z0-9_.|\[\] ]{0,40}(?==))?"  # a type
    rb"(?::=|=>|={1,2}|:)[ \t]{0,8}"
    rb"(?:[bBrRuUfF]{0,2}\\?[\"'](?P<text>[^\"'\\\n]{1,512})|(?P<bare>(?![$%{<*])[^\s\"'\\,;{}\[\]()<>|&]{1,512}))"
)
_CODE = (
    ".py",
    ".pyi",
    ".pyx",
    ".ipynb",
    ".r",
    ".jl",
    ".js",
    ".ts",
    ".java",
    ".scala",
    ".go",
    ".rs",
    ".c",
    ".h",
    ".cpp",
)


def find_named_values(data: bytes, path: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of every value that a text gives to a name that `is_secret_name`, `password: …`.

    Args:
        data: the text.
        path: the name of its file: in code a value is a literal, in a configuration it needs no quotes.
    """
    is_code = path.lower().endswith(_CODE)
    for match in _GIVEN.finditer(data):
        kind = "text" if match["text"] is not None else "bare"
        value = match[kind].decode("utf-8", "replace")
        literal = kind == "text" or value.isdigit() or not is_code
        if (
            literal
            and is_secret_name(match["name"].decode())
            and not _REFERENCE.fullmatch(value)
            and value not in _NOTHING
        ):
            yield match.span(kind)


_NOTHING = _words("None null nil true false True False ~ - |")


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
