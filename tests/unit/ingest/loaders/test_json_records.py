"""JSON that is not a transcript is read record by record, with every field."""

import json

from app.ingest.loaders.json_records import load_json, load_json_lines


def lines(content: object) -> list[str]:
    source = load_json(json.dumps(content).encode())
    return [source.text[block.start : block.end] for block in source.blocks]


def test_each_record_is_a_line_with_all_its_fields() -> None:
    people = [
        {"name": "Ann", "address": {"city": "Lund", "zip": 22100}, "tags": ["tea", "chess"]},
        {"name": "Ben", "address": {"city": "Rome"}, "active": False, "note": None},
    ]
    assert lines(people) == [
        "name: Ann; address.city: Lund; address.zip: 22100; tags: tea, chess",
        "name: Ben; address.city: Rome; active: no",
    ]


def test_nested_lists_stand_under_their_path() -> None:
    source = load_json(json.dumps({"title": "Shop", "orders": [{"id": 7, "sum": 1.5}]}).encode())
    assert source.title == "Shop"
    assert [(block.heading, source.text[block.start : block.end]) for block in source.blocks] == [
        (None, "title: Shop"),
        ("orders", "id: 7; sum: 1.5"),
    ]


def test_texts_beside_other_fields_are_records_not_a_transcript() -> None:
    assert lines([{"id": 1, "kind": "memo", "content": "The kettle leaks."}]) == [
        "id: 1; kind: memo; content: The kettle leaks."
    ]


def test_json_lines_are_one_record_each() -> None:
    source = load_json_lines(b'{"a": 1}\n\n{"a": 2, "b": "x"}\n')
    assert source.text == "a: 1\na: 2; b: x"
