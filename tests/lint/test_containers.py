"""docker/ against the cluster profile it describes: read by Docker Compose itself and by hadolint.

No engine runs here, so no container was ever started: what is held is that the files are valid, run
nobody as root, and say the same commands, ports, paths and variables as the profile does.
"""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from leverageguard import airflow_secrets, config
from leverageguard.cluster_settings import DATABASES
from leverageguard.stack import airflow_processes, containers, postgresql, processes, superset
from leverageguard.stack.cluster import postgresql as database
from leverageguard.stack.cluster import rabbitmq
from tests.e2e.stacks import free_port_base

REPO = Path(__file__).parents[2]
DOCKER = REPO / "docker"
INSIDE = "/srv/leverageguard/data"
USER = "10001:10001"
BIN = Path(sys.executable).parent
DOCKERFILES = ("Dockerfile", "superset.Dockerfile")
# The packages of Debian that the profile runs, by the service that stands for them.
PACKAGES = {
    "redis": "redis-server",
    "rabbitmq": "rabbitmq-server",
    "balancer": "nginx",
    "prometheus": "prometheus",
    "alertmanager": "prometheus-alertmanager",
}
# Of the official chart's values the ones in use, as its documentation of 1.22 names them. The
# chart's own schema is not part of any package; docs/containers.md says how to ask it.
CHART: dict[str, Any] = {
    "airflowVersion": str, "defaultAirflowRepository": str, "defaultAirflowTag": str,
    "images": {"airflow": {"repository": str, "tag": str, "pullPolicy": str}},
    "executor": str, "uid": int, "gid": int,
    "securityContexts": {"pod": dict, "container": dict},
    "data": {"metadataSecretName": str, "resultBackendSecretName": str, "brokerUrlSecretName": str},
    "fernetKeySecretName": str, "apiSecretKeySecretName": str, "jwtSecretName": str,
    "postgresql": {"enabled": bool}, "redis": {"enabled": bool}, "statsd": {"enabled": bool},
    "env": list, "secret": list, "volumes": list, "volumeMounts": list,
    "apiServer": {"replicas": int, "podDisruptionBudget": dict},
    "scheduler": {"replicas": int}, "dagProcessor": {"enabled": bool, "replicas": int},
    "triggerer": {"enabled": bool},
    "workers": {"celery": {"replicas": int, "persistence": {"enabled": bool}}},
    "logs": {"persistence": {"enabled": bool, "existingClaim": str}},
    "networkPolicies": {"enabled": bool},
}  # fmt: skip


def compose(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(path.parent)}
    return subprocess.run(
        [str(BIN / "docker-compose"), "-f", str(path), "config", *words],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    done = compose(DOCKER / "compose.yaml", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["services"]


@pytest.fixture(scope="module")
def profile() -> config.Settings:
    """The settings that a container has."""
    return config.Settings(data_dir=Path(INSIDE), port_base=18080, profile="cluster")


def objections(service: dict[str, Any]) -> list[str]:
    """What must not be of a service."""
    image = service["image"]
    return [
        what
        for what, is_so in {
            "root": service.get("user") != USER,
            "writable": not service.get("read_only"),
            "capabilities": service.get("cap_drop") != ["ALL"] or "cap_add" in service,
            "privileges": service.get("security_opt") != ["no-new-privileges:true"],
            "privileged": service.get("privileged", False),
            "version": not re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", image),
            "health": "healthcheck" not in service,
            "processes": not service.get("pids_limit"),
        }.items()
        if is_so
    ]


def test_compose__every_service__is_nobodys_root_and_pinned(services):
    assert {name: objections(one) for name, one in services.items() if objections(one)} == {}
    assert len(services) == 20


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("root", {"user": "root"}),
        ("root", {"user": None}),
        ("writable", {"read_only": False}),
        ("capabilities", {"cap_add": ["NET_ADMIN"]}),
        ("privileges", {"security_opt": []}),
        ("privileged", {"privileged": True}),
        ("version", {"image": "redis:latest"}),
        ("version", {"image": "redis"}),
        ("processes", {"pids_limit": 0}),
    ],
)
def test_objections__a_service_made_worse__is_named(services, what, change):
    assert objections({**copy.deepcopy(services["redis"]), **change}) == [what]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("read_only: true", "read_olny: true"),
        ("network_mode: service:pod", "network_mode: 7.5"),
        ("condition: service_healthy", "condition: service_wealthy"),
    ],
)
def test_compose__unknown_key_or_value__is_refused_by_compose(tmp_path, good, bad):
    shutil.copytree(DOCKER, tmp_path / "docker")
    path = tmp_path / "docker" / "compose.yaml"
    text = path.read_text()
    assert good in text and compose(path, "-q").returncode == 0
    path.write_text(text.replace(good, bad))

    assert compose(path, "-q").returncode != 0


def test_compose__only_the_balancers_ports__are_published(services, profile):
    published = {
        port["target"]: port.get("host_ip")
        for service in services.values()
        for port in service.get("ports", [])
    }
    public = (profile.airflow_port, profile.superset_port, profile.gateway_port)

    assert published == {**dict.fromkeys(public), 13000: "127.0.0.1"}
    assert {name for name, one in services.items() if one.get("network_mode") != "service:pod"} == {
        "pod"
    }


def test_compose__airflow_and_gateways__start_as_in_the_profile(services, profile):
    for name, words in airflow_processes.components(profile).items():
        service = services[name]
        assert service["command"] == ["airflow", *words], name
        for variable, value in airflow_processes.of_one(profile, name).items():
            assert service["environment"][variable] == value, name
    for number, port in enumerate(profile.gateway_worker_ports, start=1):
        assert services[f"gateway-{number}"]["command"] == ["gateway", "--port", str(port)]
    workers = [name for name in services if name.startswith("airflow-worker")]
    assert len(workers) == int(services["airflow-worker-1"]["environment"]["LEVERAGEGUARD_WORKERS"])


def test_compose__superset__is_told_what_the_profile_tells_it(services, profile):
    told = {
        name: value
        for name, value in superset.environment(profile).items()
        if name.startswith("LEVERAGEGUARD_SUPERSET_")
    }

    assert len(told) > 5
    for name in ("superset", "superset-worker"):
        assert told.items() <= services[name]["environment"].items()


def test_compose__variables__are_ones_that_are_read(services):
    code = "".join(path.read_text() for path in (REPO / "include").rglob("*.py"))
    read = set(re.findall(r"LEVERAGEGUARD_\w+", code))
    named = {name for one in services.values() for name in one.get("environment") or {}}
    values = yaml.safe_load((DOCKER / "helm" / "values.yaml").read_text())
    named |= {one["name"] for one in values["env"]} | {one["envName"] for one in values["secret"]}

    ours = {name for name in named if name.startswith("LEVERAGEGUARD_")}
    assert len(ours) > 15 and ours - read == set()


def test_compose__monitoring__listens_on_the_profiles_ports(services, profile):
    for name, port in (
        ("prometheus", profile.prometheus_port),
        ("alertmanager", profile.alertmanager_port),
    ):
        assert f"--web.listen-address=127.0.0.1:{port}" in services[name]["command"]
    told = services["grafana"]["environment"]["PROMETHEUS_URL"]
    assert told == f"http://127.0.0.1:{profile.prometheus_port}"


def test_compose__postgresql__has_the_profiles_options_roles_and_door(services, profile):
    told = dict(word[2:].split("=", 1) for word in services["postgresql"]["command"][1:])
    assert database.OPTIONS.items() <= told.items()
    assert told["port"] == str(profile.postgresql_port) and told["ssl"] == "on"
    environment = services["postgresql"]["environment"]
    assert environment["POSTGRES_USER"] == postgresql.SUPERUSER
    assert environment["POSTGRES_INITDB_ARGS"] == "--encoding=UTF8 --locale=C"
    sql = (DOCKER / "postgresql" / "databases.sql").read_text()
    assert re.findall(r"^CREATE ROLE (\w+) LOGIN;$", sql, re.M) == list(DATABASES)
    assert re.findall(r"^CREATE DATABASE (\w+) OWNER \1;$", sql, re.M) == list(DATABASES)
    doors = [
        line.split()
        for text in (database.HBA, (DOCKER / "postgresql" / "pg_hba.conf").read_text())
        for line in text.splitlines()
        if line.startswith("hostssl")
    ]
    assert len(doors) == 2 and doors[0] == doors[1]


def test_compose__servers__are_of_the_versions_that_the_profile_runs(services):
    for service, package in PACKAGES.items():
        words = ["dpkg-query", "-W", "-f", "${Version}", package]
        installed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        mine = re.search(r"(?:\d+:)?(\d+\.\d+)", installed)
        tagged = re.search(r":v?(\d+\.\d+)", services[service]["image"])
        assert mine[1] == tagged[1], service
    said = subprocess.check_output([postgresql.program("postgres"), "--version"], text=True)
    tagged = re.search(r":(\d+)\.", services["postgresql"]["image"])
    assert re.search(r"\) (\d+)\.", said)[1] == tagged[1]


@pytest.mark.slow
def test_prepare__writes_every_file_that_a_container_is_pointed_at(services, tmp_path):
    made = config.Settings(data_dir=tmp_path, port_base=18080, profile="cluster")
    list(containers.lines(made, {"action": "prepare"}))
    list(containers.lines(made, {"action": "prepare"}))

    text = json.dumps({name: one for name, one in services.items() if name != "pod"})
    named = set(re.findall(rf"{INSIDE}/((?:servers|secrets)/[\w./-]+\.(?:crt|key|conf)\b)", text))
    named |= set(re.findall(rf"{INSIDE}/((?:servers|secrets)/[\w/]+_password)", text))
    absent = {"servers/rabbitmq/rabbitmq-env.conf"}  # optional, and no other may be read
    assert len(named) > 12
    assert {name for name in named - absent if not (tmp_path / name).exists()} == set()
    environment = rabbitmq.configure(made)
    told = {name: value.replace(str(tmp_path), INSIDE) for name, value in environment.items()}
    assert told.items() <= services["rabbitmq"]["environment"].items()
    balancer = (tmp_path / "servers" / "nginx" / "nginx.conf").read_text()
    assert balancer.count("listen 0.0.0.0:") == 3 and "server 127.0.0.1:18091" in balancer


@pytest.mark.slow
def test_prepare__superset__gets_no_secret_that_pays_or_opens(tmp_path):
    made = config.Settings(data_dir=tmp_path, profile="cluster")
    list(containers.lines(made, {"action": "prepare"}))
    folder = tmp_path / "servers" / "superset"

    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"superset_secret_key", "redis_password", "client-superset.key"} <= names
    assert [
        name for name in names if re.match("chain|airflow|credentials|gateway_jwt|ca.key", name)
    ] == []
    assert not {path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.is_file()} - {0}


def test_containers__embedded_profile__says_what_to_set(settings):
    with pytest.raises(config.ConfigError, match="LEVERAGEGUARD_PROFILE=cluster"):
        list(containers.lines(settings, {"action": "prepare"}))


@pytest.mark.parametrize("name", DOCKERFILES)
def test_dockerfile__is_clean_and_ends_as_nobodys_root(name):
    path = DOCKER / name
    done = subprocess.run([str(BIN / "hadolint"), str(path)], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
    assert re.findall(r"^USER (.+)$", path.read_text(), re.M) == [USER]
    assert all(
        re.search(r":\d+\.\d+\.\d+", line)
        for line in re.findall(r"^FROM .+$", path.read_text(), re.M)
    )


def test_locks__installed_together__agree_on_every_package():
    text = (DOCKER / "Dockerfile").read_text()
    locks = set(re.findall(r"/locks/(\w+\.lock)", text))
    pins: dict[str, set[str]] = {}
    for lock in locks:
        pinned = (REPO / "requirements" / lock).read_text()
        for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", pinned, re.M):
            pins.setdefault(name, set()).add(version)

    assert locks == {"stack.lock", "cluster.lock", "secrets.lock"} and len(pins) > 150
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}


@pytest.mark.parametrize(
    "change", [(r"^FROM \S+", "FROM python:latest"), (r"^USER .+$", "USER root")]
)
def test_hadolint__a_dockerfile_made_worse__is_refused(tmp_path, change):
    path = tmp_path / "Dockerfile"
    path.write_text(re.sub(*change, (DOCKER / "Dockerfile").read_text(), flags=re.M))

    assert subprocess.run([str(BIN / "hadolint"), str(path)], capture_output=True).returncode == 1


def test_dockerfile__folders_of_the_volumes__are_the_users_own(services):
    """A new volume takes over the owner of the folder it is first mounted on: in `prepare`."""
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    made = {
        f"/srv/leverageguard/{name}"
        for name in re.search(r"for folder in (.+?); do", text)[1].split()
    }
    mounted = {one["target"] for one in services["prepare"]["volumes"]}

    assert mounted == made


def unknown(values: Any, known: Any, path: str = "") -> list[str]:
    """Values whose key or type the chart does not have."""
    if not isinstance(known, dict):
        return [] if isinstance(values, known) else [path]
    if not isinstance(values, dict):
        return [path]
    return [
        found
        for key, value in values.items()
        for found in (
            unknown(value, known[key], f"{path}.{key}") if key in known else [f"{path}.{key}"]
        )
    ]


def test_helm__values__are_keys_of_the_chart_and_run_nobody_as_root(profile):
    values = yaml.safe_load((DOCKER / "helm" / "values.yaml").read_text())

    assert unknown(values, CHART) == []
    assert unknown({**values, "webserver": {}, "uid": "0"}, CHART) == [".uid", ".webserver"]
    assert values["securityContexts"]["pod"]["runAsUser"] == values["uid"] == int(USER[:5])
    assert values["securityContexts"]["pod"]["runAsNonRoot"]
    lock = (REPO / "requirements" / "stack.lock").read_text()
    assert f"apache-airflow=={values['airflowVersion']} " in lock
    told = {one["name"]: one["value"] for one in values["env"]}
    home = config.Settings(
        data_dir=Path(INSIDE), secrets_home=told["LEVERAGEGUARD_SECRETS"],
        vault_token=Path(told["LEVERAGEGUARD_VAULT_TOKEN_FILE"]),
    )  # fmt: skip
    asked = airflow_secrets.environment(home)
    assert asked["AIRFLOW__SECRETS__BACKEND"] == told["AIRFLOW__SECRETS__BACKEND"]
    arguments = "AIRFLOW__SECRETS__BACKEND_KWARGS"
    assert json.loads(asked[arguments]) == json.loads(told[arguments])


def _migrated(made: config.Settings) -> None:
    """The step `migrate` leaves schemas in both databases, and Prometheus what it reads."""
    list(containers.lines(made, {"action": "migrate"}))
    for role, table in (("airflow", "dag_run"), ("store", "claim_txns")):
        with psycopg.connect(made.postgresql_words(role)) as entered:
            assert entered.execute("SELECT to_regclass(%s)", (table,)).fetchone() == (table,)
    folder = made.data_dir / "monitoring"
    gateway = yaml.safe_load((folder / "prometheus.yml").read_text())["scrape_configs"][0]
    assert gateway["scheme"] == "https"
    assert Path(gateway["tls_config"]["ca_file"]).read_text() == made.ca_file.read_text()
    key = Path(gateway["authorization"]["credentials_file"])
    assert key.parent == folder and key.stat().st_mode & 0o077 == 0 and key.read_text()


@pytest.mark.slow
def test_postgresql__as_its_container_is_told__takes_each_role_by_certificate_and_every_schema(
    services,
):
    """The command, the door and the SQL of the container over Debian's program of that version."""
    with tempfile.TemporaryDirectory(prefix="lg-containers-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = config.Settings(data_dir=folder, port_base=free_port_base(26_500), profile="cluster")
        list(containers.lines(made, {"action": "prepare"}))
        data = folder / "servers" / "postgresql" / "data"
        postgresql.create(data, "--auth=reject", "--no-sync")
        door = database.SERVER.write(
            made, "door.conf", (DOCKER / "postgresql" / "pg_hba.conf").read_text()
        )
        words = [
            word.replace(INSIDE, str(folder))
            .replace("18088", str(made.postgresql_port))
            .replace("/etc/postgresql/pg_hba.conf", str(door))
            .replace("/tmp,/var/run/postgresql", str(door.parent))
            for word in services["postgresql"]["command"][1:]
        ]
        argv = [postgresql.program("postgres"), "-D", str(data), *words]
        running = database.SERVER.start(made, argv)
        try:
            where = {"host": str(door.parent), "port": made.postgresql_port}

            def answers() -> bool:
                try:
                    psycopg.connect(**where, user=postgresql.SUPERUSER, dbname="postgres").close()
                except psycopg.OperationalError:
                    return False
                return True

            processes.wait_until(answers, running, made, 60.0)
            with psycopg.connect(
                **where, user=postgresql.SUPERUSER, dbname="postgres", autocommit=True
            ) as admin:
                for line in (DOCKER / "postgresql" / "databases.sql").read_text().splitlines():
                    if not line.startswith("--"):
                        admin.execute(line)
            for role in DATABASES:
                with psycopg.connect(made.postgresql_words(role)) as entered:
                    assert entered.execute("SELECT current_user").fetchone() == (role,)
            _migrated(made)
            strange = made.postgresql_words("store").replace("dbname=store", "dbname=lake")
            inside = f"host={door.parent} port={made.postgresql_port} user={postgresql.SUPERUSER}"
            for refused in (strange, f"{inside} dbname=store"):
                with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
                    psycopg.connect(refused)
        finally:
            processes.stop_all(made)
