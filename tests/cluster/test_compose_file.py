"""docker-compose.yaml: it is what the Compose specification allows, and keeps what we promise of it."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from guestlist.cli.cluster.compose import read_compose
from guestlist.cli.cluster.dotenv import filled, variables
from guestlist.model.errors import ConfigError

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "docker-compose.yaml"
EXAMPLE = (PROJECT / ".env.example").read_text(encoding="utf-8")
SCHEMA = json.loads((Path(__file__).parent / "schemas" / "compose-spec.json").read_text(encoding="utf-8"))
DOCUMENT = yaml.safe_load(FILE.read_text(encoding="utf-8"))
AIRFLOW = (
    "airflow-apiserver",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-worker",
    "airflow-init",
)


@pytest.fixture
def services(secrets):
    return read_compose(FILE, secrets, ("sandbox",))


def test_it_is_valid_by_the_compose_specification():
    jsonschema.Draft7Validator(SCHEMA).validate(DOCUMENT)


def test_the_specification_would_find_a_mistake():
    wrong = {**DOCUMENT, "services": {**DOCUMENT["services"], "redis": {"image": "redis", "comand": "x"}}}
    assert list(jsonschema.Draft7Validator(SCHEMA).iter_errors(wrong))


def test_it_has_what_airflows_users_know(services):
    assert set(services) >= {*AIRFLOW, "postgres", "redis", "objectstore", "sandbox"}
    assert "sandbox" not in read_compose(FILE, variables(filled(EXAMPLE)))


@pytest.mark.parametrize("name", [name for name, service in DOCUMENT["services"].items() if service.get("restart") != "no"])
def test_whatever_stays_up_has_a_healthcheck(name):
    assert DOCUMENT["services"][name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", list(DOCUMENT["services"]))
def test_images_are_pinned(name):
    image = DOCUMENT["services"][name]["image"]
    assert re.search(r":(\d+\.\d+|\$\{GUESTLIST_TAG)", image), image


def test_the_image_is_the_official_one_of_our_airflow():
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    version = re.search(r"^apache-airflow==(\S+)", (PROJECT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert f"FROM apache/airflow:{version}-python3." in dockerfile
    assert "USER root" not in dockerfile


@pytest.mark.parametrize("name", AIRFLOW)
def test_nothing_of_ours_runs_as_root(name):
    assert DOCUMENT["services"][name]["user"] == "${AIRFLOW_UID:-50000}:0"


def test_no_secret_stands_in_the_file(secrets):
    text = FILE.read_text(encoding="utf-8")
    for name in secrets:
        assert f"${{{name}" in text, f".env.example has {name}, which the file does not use"
    asked = set(re.findall(r"\$\{(\w+):\?", text))
    assert asked == set(secrets)


@pytest.mark.parametrize("missing", sorted(variables(filled(EXAMPLE))))
def test_a_secret_that_is_missing_is_named(secrets, missing):
    with pytest.raises(ConfigError, match=f"{missing}: run `make .env`"):
        read_compose(FILE, {**secrets, missing: ""})


def test_each_secret_is_another(secrets):
    assert len(set(secrets.values())) == len(secrets)
    assert all(len(value) == 44 for value in secrets.values())


def test_the_settings_that_the_example_names_exist():
    text = FILE.read_text(encoding="utf-8")
    for name, default in re.findall(r"^# ([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE):
        assert f"${{{name}:-{default}}}" in text


def test_ledger_and_metadata_are_two_databases(services):
    environment = services["airflow-worker"].environment
    assert environment["GUESTLIST_LEDGER"].endswith("@postgres:5432/guestlist")
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].endswith("@postgres:5432/airflow")
    assert environment["GUESTLIST_LAKE"].startswith("s3://")


def test_every_component_of_airflow_has_the_same_settings(services):
    common = services["airflow-scheduler"].environment
    for name in AIRFLOW:
        assert {**services[name].environment, **common} == dict(services[name].environment)
