"""Code, settings and logs are kept as written, under the section they belong to."""

import pytest

from app.ingest.loaders.registry import loader_for
from app.ingest.passages import cut_passages


def sections(name: str, text: str) -> list[tuple[str | None, str]]:
    source = loader_for(name, text.encode()).load(text.encode())
    assert {block.kind for block in source.blocks} <= {"code", "row"}
    return [(block.heading, source.text[block.start : block.end]) for block in source.blocks]


PYTHON = '''"""About kettles."""
import os

LIMIT = 3

# Water first.
@cached
def boil(water: int) -> int:
    steam = water

    return steam


class Kettle(Base):
    def __init__(self):
        pass

    async def pour(self, cup):
        if cup:
            return 1

RATE = 4
'''


def test_python_is_cut_on_its_definitions() -> None:
    assert sections("a.py", PYTHON) == [
        (None, '"""About kettles."""\nimport os'),
        (None, "LIMIT = 3"),
        (
            "def boil(water: int) -> int",
            "# Water first.\n@cached\ndef boil(water: int) -> int:\n    steam = water",
        ),
        ("def boil(water: int) -> int", "    return steam"),
        ("class Kettle(Base)", "class Kettle(Base):"),
        (
            "class Kettle(Base) > def __init__(self)",
            "    def __init__(self):\n        pass",
        ),
        (
            "class Kettle(Base) > async def pour(self, cup)",
            "    async def pour(self, cup):\n        if cup:\n            return 1",
        ),
        (None, "RATE = 4"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "headings"),
    [
        (
            "a.go",
            "package x\n\nfunc (s *Server) Run(a int) error {\n\treturn nil\n}\n",
            ["func (s"],
        ),
        (
            "a.rs",
            "impl Tea for Cup {\n    pub(crate) fn pour() {\n    }\n}\n",
            ["impl", "pub"],
        ),
        ("a.c", "static int boil(int x)\n{\n    if (x) {\n    }\n}\n\nint y;\n", ["static int"]),
        ("a.js", "export default function pour(a) {\n  while (a) {\n  }\n}\n", ["export default"]),
        (
            "a.java",
            "public class A {\n  public void b(int c) {\n  }\n}\n",
            ["pub", "pub"],
        ),
        ("a.sql", "CREATE OR REPLACE VIEW teas AS\nSELECT 1;\n", ["CREATE OR REPLACE VIEW teas"]),
        ("a.sh", "boil() {\n  wait 3\n}\nboil\n", ["boil"]),
        ("a.ts", "interface Tea {\n  name: string;\n}\n", ["interface Tea"]),
        ("a.rb", "class Tea\n  def pour\n    1\n  end\nend\n", ["class Tea", "def pour"]),
    ],
)
def test_definitions_of_other_languages(name: str, text: str, headings: list[str]) -> None:
    found = [heading for heading, _ in sections(name, text) if heading]
    last = list(dict.fromkeys(heading.rpartition(" > ")[2] for heading in found))
    assert len(last) == len(headings), last
    assert all(a.startswith(b) for a, b in zip(last, headings, strict=True)), last


def test_a_call_and_a_keyword_as_a_name_are_no_definitions() -> None:
    code = "type = 3\nprint(x)\nclass_ = f(\n  a,\n)\nif (a) {\n}\nx = new A() {\n}\n"
    assert {heading for heading, _ in sections("a.js", code)} == {None}


def test_settings_stand_under_their_sections() -> None:
    text = "; top\na = 1\n\n[server.http]\nport = 80\n\nhosts = [\n  1,\n]\n[[plugins]]\nname = 1\n"
    assert sections("a.toml", text) == [
        (None, "; top\na = 1"),
        ("server.http", "[server.http]\nport = 80"),
        ("server.http", "hosts = [\n  1,\n]"),
        ("plugins", "[[plugins]]\nname = 1"),
    ]


def test_yaml_is_kept_with_its_comments_under_the_path_of_its_keys() -> None:
    deep = "".join(f"      k{n}: {n}\n" for n in range(7))
    text = (
        f"# about\nname: x\nservices:\n  # the web\n  web: &w\n    env:\n{deep}    b: 1\nlast: 2\n"
    )
    found = dict(sections("a.yml", text))
    assert list(found) == [None, "services", "services > web", "services > web > env"]
    assert "k6: 6" in found["services > web > env"]
    whole = loader_for("a.yml", text.encode()).load(text.encode()).text
    assert whole.split() == text.split()


def test_entries_of_a_log_are_rows_with_their_tracebacks() -> None:
    log = "\x1b[31m12:00 ERROR no water\x1b[0m\n  File kettle.py\n\n12:01 INFO on\n"
    assert sections("a.log", log) == [
        (None, "12:00 ERROR no water\n  File kettle.py"),
        (None, "12:01 INFO on"),
    ]


def test_passages_of_code_are_exact_and_within_one_definition() -> None:
    data = PYTHON.encode()
    source = loader_for("a.py", data).load(data)
    passages = cut_passages(source, title="a", count=lambda text: len(text.split()))
    assert all(source.text[p.char_start : p.char_end] == p.text for p in passages)
    assert "class Kettle(Base) > async def pour(self, cup)" in {p.heading for p in passages}
