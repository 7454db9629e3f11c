"""Secrets are found by name and by shape; ordinary parameters are left alone.

The corpus is put together from halves, so that this file itself holds nothing that looks like a token.
"""

import random
import string
import time

import pytest

from lineage_pipelines.capture.secrets import find_secrets, is_secret_file, is_secret_name, secret_lines, token_shape

_RANDOM = random.Random(7)


def _some(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(_RANDOM.choices(alphabet, k=length))


_UPPER = string.ascii_uppercase + string.digits
_HEX = "0123456789abcdef"

TOKENS = {
    "aws key": "AKIA" + _some(16, _UPPER),
    "aws session key": "ASIA" + _some(16, _UPPER),
    "aws secret": "aws_secret_access_key = " + _some(40),
    "github": "ghp_" + _some(36),
    "github server": "ghs_" + _some(36),
    "github fine-grained": "github_pat_" + _some(22) + "_" + _some(59),
    "gitlab": "glpat-" + _some(20),
    "slack bot": "xoxb-" + _some(12, string.digits) + "-" + _some(24),
    "slack app": "xapp-1-" + _some(11, _UPPER) + "-" + _some(20, _HEX),
    "slack webhook": "https://hooks.slack.com/" + "services/T" + _some(8) + "/B" + _some(8) + "/" + _some(24),
    "discord": "https://discord.com/api/" + "webhooks/" + _some(18, string.digits) + "/" + _some(60),
    "google key": "AIza" + _some(35),
    "google oauth": "ya29." + _some(60),
    "google secret": "GOCSPX-" + _some(28),
    "stripe": "sk_live_" + _some(24),
    "stripe restricted": "rk_live_" + _some(24),
    "pem": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n",
    "pem openssh": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "pem plain": "-----BEGIN " + "PRIVATE KEY-----",
    "pgp": "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----",
    "jwt": "eyJ" + _some(20) + ".eyJ" + _some(40) + "." + _some(43),
    "url": "postgresql://ada:" + "hunter2@db.example.org/flights",
    "url without user": "redis://:" + "hunter2@cache:6379/0",
    "git url": "https://oauth2:" + _some(20) + "@gitlab.example.org/team/repo.git",
    "bearer": "Bearer " + _some(40),
    "basic": "Authorization: " + "Basic " + _some(24),
    "openai": "sk-" + _some(20) + "T3Blbk" + "FJ" + _some(20),
    "openai project": "sk-proj-" + _some(48),
    "anthropic": "sk-ant-" + "api03-" + _some(80),
    "hugging face": "hf_" + _some(34),
    "npm": "npm_" + _some(36),
    "pypi": "pypi-AgEIcHlwaS" + "5vcmc" + _some(60),
    "sendgrid": "SG." + _some(22) + "." + _some(43),
    "mailgun": "key-" + _some(32, _HEX),
    "azure storage": "DefaultEndpointsProtocol=https;AccountName=x;AccountKey" + "=" + _some(86) + "==",
    "azure sas": "https://x.blob.core.windows.net/c?sv=2022&sig" + "=" + _some(43) + "%3D",
    "databricks": "dapi" + _some(32, _HEX),
    "digitalocean": "dop_v1_" + _some(64, _HEX),
    "docker": "dckr_pat_" + _some(27),
    "shopify": "shpat_" + _some(32, _HEX),
    "telegram": _some(9, string.digits) + ":AA" + _some(33),
    "vault": "hvs." + _some(90),
    "atlassian": "ATATT3" + _some(60),
    "grafana": "glsa_" + _some(32) + "_" + _some(8, _HEX),
    "age": "AGE-SECRET-KEY-1" + _some(58, _UPPER),
    "libpq": "host=db user=ada password" + "=sesame dbname=flights",
    "odbc": "Server=db;Database=flights;User Id=ada;Password" + "=open1;",
    "env line": "DB_PASSWORD" + "=hunter2",
}

INNOCENT = [
    "",
    "hunter2",
    "logistic_regression",
    "0.1",
    "2013-06-30T12:00:00Z",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "123e4567-e89b-12d3-a456-426614174000",
    "https://example.org/data/train.csv?version=3",
    "https://example.org:8443/path@2x.png",
    "postgresql://db.example.org:5432/flights",
    "postgresql://ada@db.example.org/flights",
    "postgresql://${USER}:${PASSWORD}@db.example.org/flights",
    "postgresql://{user}:{password}@{host}/flights",
    "git@github.com:team/repo.git",
    "s3://bucket/path/key=value/part-0.parquet",
    "(?u)\\b\\w\\w+\\b",
    "sk-learn",
    "scikit-learn==1.9.1",
    "eyJ",
    "hf_hub",
    "npm_run_build",
    "mean ± 2 sd, n = 336,776",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "basic understanding of characteristics",
    "bearer of bad news",
    "def connect(host, user, password=None, *, timeout=3):",
    "client = connect(host=host, password=password)",
    "os.environ['DB_PASSWORD']",
    "password=getpass.getpass()",
    "key-value store",
    "C:\\Users\\ada\\data",
    "a" * 5000,
    "/" * 5000,
]

SECRET_NAMES = """\
password db_password PASSWORD_PROD password1 passwd pwd userPassword dbpassword passphrase secret
client_secret secrets clientSecret api_key apiKey API_KEY apikey x-api-key access_key AWSSecretAccessKey
aws_secret_access_key private_key privateKey signing_key encryption_key account_key master_key token access_token
authToken refresh_token hf_token GITHUB_TOKEN slack.token credential credentials db.credentials auth_key
authorization"""

ORDINARY_NAMES = """\
max_tokens n_tokens tokens tokenizer tokenizer_name token_pattern pad_token eos_token bos_token
unk_token mask_token sep_token token_count max_token_length num_tokens_per_batch key keys key_columns sort_key
primary_key foreign_key partition_key public_key join_key cache_key key_size num_key_value_heads passes compass
secretary monkey keyword stoken_bucket password_length has_password_column_name password_policy secret_name
token_file api_key_env apikey_env_var n_estimators learning_rate max_iter random_state pin_memory hash_bucket
authors author signature salt_lake_city"""


@pytest.mark.parametrize("kind", TOKENS)
def test_finds_a_token_in_any_text(kind: str) -> None:
    token = TOKENS[kind]
    assert token_shape(token)
    assert token_shape(f"see {token} there") or kind == "env line"
    assert find_secrets({"note": token, "fine": 1}) == ("note",)
    assert secret_lines(f"one\ntwo\n{token}\nfour\n".encode())[0][0] == 3


@pytest.mark.parametrize("text", INNOCENT)
def test_leaves_ordinary_text_alone(text: str) -> None:
    assert token_shape(text) is None
    assert find_secrets({"note": text}) == ()


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_knows_a_secret_by_its_key(name: str) -> None:
    assert is_secret_name(name)
    assert find_secrets({"db": {name: "hunter2"}}) == (f"db.{name}",)


@pytest.mark.parametrize("name", ORDINARY_NAMES.split())
def test_an_ordinary_key_is_no_secret(name: str) -> None:
    assert not is_secret_name(name)
    assert find_secrets({name: "hunter2", "n": {name: 3}}) == ()


def test_nothing_and_references_are_no_secrets() -> None:
    assert find_secrets({"password": None, "token": "", "use_token": True, "secrets": [], "credentials": {}}) == ()
    names = ["${DB_PASSWORD}", "$DB_PASSWORD", "{{ secrets.db }}", "<password>", "****", "env:DB_PASSWORD"]
    assert find_secrets({"password": names, "db_password": {"env": "DB_PASSWORD"}}) == ()


def test_numbers_under_a_secret_key() -> None:
    assert find_secrets({"password": 12345}) == ("password",)
    assert find_secrets({"token": 50256}) == ()


def test_paths_lead_through_lists_and_nested_keys() -> None:
    value = {"a": [{"password": "x"}, {"b": ["fine", TOKENS["github"]]}], "credentials": {"user": "ada", "n": [1]}}
    expected = ("a[0].password", "a[1].b[1]", "credentials.user", "credentials.n[0]")
    assert find_secrets(value) == expected


def test_a_secret_as_a_key_is_not_printed() -> None:
    found = find_secrets({"tokens": {TOKENS["github"]: 1}})
    assert len(found) == 1
    assert TOKENS["github"] not in found[0]


@pytest.mark.parametrize(
    "path", [".env", "conf/.env.local", "server.pem", "a/b/id_rsa", ".netrc", "credentials.json", "secrets.yaml"]
)
def test_knows_a_secret_file_by_its_name(path: str) -> None:
    assert is_secret_file(path)


@pytest.mark.parametrize(
    "path", [".env.example", "train.py", "credentials.py", "keys.csv", "environment.yml", "tokens.json", "pem.md"]
)
def test_an_ordinary_file_is_no_secret(path: str) -> None:
    assert not is_secret_file(path)


def test_search_is_linear_in_the_text() -> None:
    hostile = [
        b"password=" * 30_000,
        b"user=a " * 40_000 + b"password=",
        b"://a:" * 50_000,
        b"eyJ" * 90_000,
        b"a=" * 130_000,
    ]
    small = min(_seconds(text[: len(text) // 8]) for text in hostile)
    large = max(_seconds(text) for text in hostile)
    assert large < max(1.0, 400 * small)


def _seconds(text: bytes) -> float:
    start = time.process_time()
    secret_lines(text)
    return time.process_time() - start


@pytest.mark.parametrize("word", ["password", "apiToken", "secret_key", "DB_PASSWORD"])
@pytest.mark.parametrize("places", ["_prod", "_2", "_prod_2", "_2_prod", "_old_stage_03", "Prod2", "_test_new_1"])
def test_a_secret_is_known_whatever_places_follow_it(word: str, places: str) -> None:
    assert is_secret_name(word + places)


@pytest.mark.parametrize("name", ["prod_2", "test_1_old", "2", "password_length_prod_2", "max_tokens_test_1"])
def test_a_place_makes_no_secret(name: str) -> None:
    assert not is_secret_name(name)
