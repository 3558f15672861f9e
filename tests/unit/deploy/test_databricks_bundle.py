"""The files for Databricks name only existing settings and files."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from app.config import Settings

HERE = Path(__file__).resolve().parents[3] / "deploy" / "databricks"


def loaded(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text())


def test_every_variable_is_a_setting_of_ours() -> None:
    names = {item["name"].lower() for item in loaded("app.yaml")["env"]}
    assert names <= set(Settings.model_fields)
    given = {i["name"].lower(): i["value"] for i in loaded("app.yaml")["env"] if "value" in i}
    settings = Settings.model_validate(given)
    assert settings.provider == "databricks"
    assert settings.auth == "proxy"


def test_what_is_drawn_from_resources_is_in_the_bundle() -> None:
    drawn = {item["valueFrom"] for item in loaded("app.yaml")["env"] if "valueFrom" in item}
    app = loaded("databricks.yml")["resources"]["apps"]["citestream"]
    assert drawn <= {resource["name"] for resource in app["resources"]}
    assert (HERE / app["source_code_path"] / "app" / "main.py").is_file()


def test_the_start_script_is_a_shell_script() -> None:
    command = loaded("app.yaml")["command"]
    assert (HERE.parents[1] / command[1]).samefile(HERE / "start.sh")
    subprocess.run(["sh", "-n", HERE / "start.sh"], check=True)
