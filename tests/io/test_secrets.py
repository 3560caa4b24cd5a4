"""Secrets are named, found in one of two places, and never told."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from pydantic import TypeAdapter, ValidationError

from recon.cli import invoke
from recon.errors import UserError
from recon.io.secrets import SecretName, missing_secrets, secret
from tests.support import copy_place

HUSH = "hush-Passw0rd"


class InMemory(KeyringBackend):
    """A keyring that is gone when the test is over."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before, made = keyring.get_keyring(), InMemory()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_a_secret_is_an_environment_variable_or_an_entry_of_the_keyring(
    ring: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_PASSWORD", HUSH)
    ring.set_password("recon/paypal", "report@Company", "more")
    assert secret("OUR_PASSWORD") == secret("env:OUR_PASSWORD") == HUSH
    assert secret("keyring:recon/paypal/report@Company") == "more"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ABSENT", "the environment variable ABSENT; it is not set"),
        ("env:ABSENT", "the environment variable ABSENT; it is not set"),
        ("keyring:recon/a", "recon/a; it is not there; store it with: keyring set recon a"),
    ],
)
def test_a_secret_that_is_not_there_is_named_with_the_way_to_put_it_there(
    ring: InMemory, name: str, said: str
) -> None:
    with pytest.raises(UserError) as raised:
        secret(name)
    assert said in str(raised.value)
    assert missing_secrets([name]) == {name: str(raised.value)}


def test_a_machine_without_a_keyring_says_so_in_one_line() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    try:
        with pytest.raises(UserError, match="recon/a cannot be read: No recommended") as raised:
            secret("keyring:recon/a")
    finally:
        keyring.set_keyring(before)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", ["hush hush", "p@ss", "-----BEGIN KEY-----", "keyring:recon", ""])
def test_a_secret_that_was_pasted_instead_of_named_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(SecretName).validate_python(value)
    [problem] = raised.value.errors()
    assert "never the secret itself" in problem["msg"]
    assert not value or value not in problem["msg"]


def test_check_tells_all_missing_secrets_and_what_comes_next(
    tmp_path: Path, ring: InMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_place(tmp_path, "wechatpay")
    common = ["--config", f"{tmp_path}/configs", "--workspace", f"{tmp_path}/workspace"]
    path = tmp_path / "configs/providers/wechatpay.toml"
    rest = path.read_text().partition("[[account]]")[2]
    path.write_text(
        '[source]\nchannel = "https"\nbase_url = "https://api.example.com"\n'
        '[source.credentials]\nmerchant_id = "MCH_{account}"\nprivate_key = "keyring:recon/key"\n'
        f'[[account]]\nready_at = "10:00"\n{rest}'
    )
    assert invoke(["check", "--json", *common]) == 2
    told = json.loads(capsys.readouterr().out)
    [merchant, key] = sorted(told["problems"])
    assert "wechatpay.toml: source.credentials.merchant_id: " in merchant
    assert "MCH_1600000001; it is not set" in merchant
    assert "source.credentials.private_key: " in key
    assert "keyring set recon key" in key
    [delivery] = told["deliveries"]
    assert delivery["expected_at"].endswith("10:00 Asia/Shanghai")
    assert delivery["state"] == "to come"
    ring.set_password("recon", "key", HUSH)
    assert invoke(["check", *common]) == 2
    said = capsys.readouterr()
    assert "keyring" not in said.err
    assert HUSH not in said.out + said.err


def test_the_keyring_is_imported_only_by_those_who_use_it() -> None:
    program = "import sys, recon.cli, recon.io.config; assert 'keyring' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
