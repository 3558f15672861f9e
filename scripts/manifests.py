"""Checks the compose and Kubernetes files against schemas and the application.

The schemas in `deploy/schemas` allow only the keys used here, so that a misspelt key is found. Code
checks the consistency between files, which no schema can express.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "deploy" / "schemas"
KUBERNETES = ROOT / "deploy" / "kubernetes"
LAST_SAVES_S = 10  # from the end of the grace period to the exit of the process
OTHERS = {"DATABASE_URL", "OPENAI_API_KEY"}

Document = dict[str, Any]


def compose() -> Document:
    """docker-compose.yml."""
    loaded: Document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def manifests() -> dict[str, Document]:
    """Every Kubernetes document by `kind/name`."""
    found: dict[str, Document] = {}
    for path in sorted(KUBERNETES.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            name = document.get("metadata", {}).get("name", path.stem)
            found[f"{document['kind']}/{name}"] = document
    return found


def schema(name: str) -> Draft202012Validator:
    """One of the bundled schemas."""
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


def form_problems() -> Iterator[str]:
    """The violations of the schemas."""
    for error in schema("compose").iter_errors(compose()):
        yield f"docker-compose.yml: {error.json_path}: {error.message}"
    validator = schema("kubernetes")
    for name, document in manifests().items():
        best = min(validator.iter_errors(document), key=lambda e: len(e.path), default=None)
        if best is not None:
            inner = sorted(best.context or (), key=lambda e: -len(e.absolute_path))
            told = inner[0] if inner else best
            yield f"{name}: {told.json_path}: {told.message}"


def seconds(duration: str) -> float:
    """`40s`, `1m30s`."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"(\d+)([smh])", duration))


def compose_problems(document: Document, settings: set[str]) -> Iterator[str]:
    """Consistency checks of docker-compose.yml. `settings`: names that the application reads."""
    services, volumes = document["services"], document.get("volumes", {})
    for name, service in services.items():
        if "restart" not in service:
            yield f"{name}: does not restart"
        if "healthcheck" not in service and "build" not in service:
            yield f"{name}: has no health check"
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            if source[0] not in "./" and source not in volumes:
                yield f"{name}: the volume {source} is not declared"
        for other in service.get("depends_on", {}):
            if other not in services:
                yield f"{name}: depends on {other}, which is not there"
        if "build" in service:
            yield from _application_problems(name, service, settings)


def _application_problems(name: str, service: Document, settings: set[str]) -> Iterator[str]:
    environment = service["environment"]
    for unknown in sorted(set(environment) - settings):
        yield f"{name}: {unknown} is no setting"
    grace = float(environment["SHUTDOWN_GRACE_S"]) + LAST_SAVES_S
    if seconds(service["stop_grace_period"]) < grace:
        yield f"{name}: stop_grace_period is shorter than the drain, {grace:g} s"
    if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
        yield f"{name}: may write to its image, or keeps capabilities"


def kubernetes_problems(found: dict[str, Document], settings: set[str]) -> Iterator[str]:
    """Consistency checks of deploy/kubernetes."""
    deployment = found["Deployment/citestream"]["spec"]
    pod = deployment["template"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    config = found["ConfigMap/citestream"]["data"]
    secret = found["Secret/citestream"]["stringData"]
    for unknown in sorted({*config, *secret} - settings):
        yield f"{unknown} is no setting"
    for name in ("Deployment/citestream", "PodDisruptionBudget/citestream"):
        if found[name]["spec"]["selector"]["matchLabels"] != labels:
            yield f"{name} does not select the pods"
    if found["Service/citestream"]["spec"]["selector"] != labels:
        yield "Service/citestream does not select the pods"
    stop = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][-1])
    needed = stop + float(config["SHUTDOWN_GRACE_S"]) + LAST_SAVES_S
    if pod["terminationGracePeriodSeconds"] < needed:
        yield f"terminationGracePeriodSeconds is shorter than preStop and drain, {needed:g} s"
    if found["PodDisruptionBudget/citestream"]["spec"]["minAvailable"] >= deployment["replicas"]:
        yield "PodDisruptionBudget: no pod may ever be moved"
    yield from _scaling_problems(found, config)
    listed = set(found["Kustomization/kustomization"]["resources"])
    there = {path.name for path in KUBERNETES.glob("*.yaml")}
    for missing in sorted(there - listed - {"kustomization.yaml", "secret.example.yaml"}):
        yield f"kustomization.yaml leaves {missing} out"


def _scaling_problems(found: dict[str, Document], config: Document) -> Iterator[str]:
    scaler = found["HorizontalPodAutoscaler/citestream"]["spec"]
    if f"Deployment/{scaler['scaleTargetRef']['name']}" not in found:
        yield "HorizontalPodAutoscaler scales what is not there"
    if scaler["minReplicas"] < 2:
        yield "HorizontalPodAutoscaler: a single replica cannot be replaced without a gap"
    target = float(scaler["metrics"][0]["pods"]["target"]["averageValue"])
    if target >= float(config["MAX_RUNS"]):
        yield "HorizontalPodAutoscaler: MAX_RUNS refuses questions before anything is scaled"


def problems(settings: set[str]) -> list[str]:
    """All errors; empty when there are none."""
    found = list(form_problems())
    if found:
        return found
    known = settings | OTHERS
    return [*compose_problems(compose(), known), *kubernetes_problems(manifests(), known)]
