"""A machine configured for pip needs no extra configuration for uv."""

import os
import sys
from pathlib import Path

import pytest

from scripts.locked_install import uv_environment

SETTINGS = """
[global]
index-url = https://mirror.example/simple
extra-index-url =
    https://one.example/simple
    https://two.example/simple
find-links = /wheels
cert = /etc/company.pem
trusted-host = mirror.example
proxy = http://proxy.example:3128
timeout = 90
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "uv").mkdir()
    return tmp_path


def environment(home: Path, **variables: str) -> dict[str, str]:
    """The settings that uv gets from a user with this home and these variables."""
    own = {"HOME": str(home), "PATH": os.defpath, "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
    return uv_environment(Path(sys.executable), own | variables)


def test_pips_file_is_read(home: Path) -> None:
    (home / ".config" / "pip" / "pip.conf").write_text(SETTINGS)
    own = {"HOME": str(home), "PATH": os.defpath}
    found = uv_environment(Path(sys.executable), own)
    assert found["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert found["UV_INDEX"] == "https://one.example/simple https://two.example/simple"
    assert found["UV_FIND_LINKS"] == "/wheels"
    assert found["SSL_CERT_FILE"] == "/etc/company.pem"
    assert found["UV_INSECURE_HOST"] == "mirror.example"
    assert found["ALL_PROXY"] == "http://proxy.example:3128"
    assert found["UV_HTTP_TIMEOUT"] == "90"


def test_pips_variables_win_over_its_files(home: Path) -> None:
    (home / ".config" / "pip" / "pip.conf").write_text(SETTINGS)
    found = environment(home, PIP_INDEX_URL="https://other.example/simple")
    assert found["UV_DEFAULT_INDEX"] == "https://other.example/simple"
    assert found["SSL_CERT_FILE"] == "/etc/company.pem"


def test_uvs_own_settings_win_over_pips(home: Path) -> None:
    (home / ".config" / "pip" / "pip.conf").write_text(SETTINGS)
    found = environment(home, UV_DEFAULT_INDEX="https://uv.example/simple", UV_HTTP_TIMEOUT="7")
    assert found["UV_DEFAULT_INDEX"] == "https://uv.example/simple"
    assert "UV_INDEX" not in found
    assert found["UV_HTTP_TIMEOUT"] == "7"
    own = '[[index]]\nurl = "https://uv.example/simple"\ndefault = true\n'
    (home / ".config" / "uv" / "uv.toml").write_text(own)
    assert "UV_DEFAULT_INDEX" not in environment(home)


def test_what_would_install_elsewhere_or_something_else_is_left_out(home: Path) -> None:
    astray = {"PIP_TARGET": "/tmp", "PIP_CONSTRAINT": "c.txt", "UV_EXCLUDE_NEWER": "2020-01-01"}
    found = environment(home, **astray)
    assert not astray.keys() & found.keys()
    assert found["PIP_USER"] == "0"
