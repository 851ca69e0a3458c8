from dataclasses import replace

import pytest

from leverageguard.stack import airflow_processes, secrets


@pytest.fixture
def cluster(settings):
    secrets.generate(settings)
    return replace(settings, profile="cluster", workers=3)


def test_components__embedded__are_three_processes_on_the_known_port(settings):
    found = airflow_processes.components(settings)

    assert list(found) == ["airflow-api", "airflow-scheduler", "airflow-dag-processor"]
    assert found["airflow-api"][-1] == str(settings.airflow_port)


def test_components__cluster__has_two_servers_and_every_worker(cluster):
    found = airflow_processes.components(cluster)

    assert [name for name in found if name.startswith("airflow-api")] == [
        "airflow-api-1",
        "airflow-api-2",
    ]
    assert [name for name in found if "worker" in name] == [
        "airflow-worker-1",
        "airflow-worker-2",
        "airflow-worker-3",
    ]
    ports = {words[words.index("--port") + 1] for words in found.values() if "--port" in words}
    assert ports == {str(port) for port in cluster.api_server_ports}


def test_environment__cluster__runs_as_many_tasks_as_its_workers_take(cluster):
    told = airflow_processes.environment(cluster)

    assert told["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert told["AIRFLOW__CORE__PARALLELISM"] == "6"
    assert told["AIRFLOW__API__BASE_URL"].startswith("https://")
    assert told["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].startswith("https://")
    assert "sqlite" not in " ".join(told.values())


def test_environment__either_profile__holds_no_secrets_text(settings, cluster):
    texts = [path.read_text().strip() for path in settings.secrets_dir.iterdir() if path.is_file()]
    assert len(texts) > 10

    for one in (settings, cluster):
        told = {
            **airflow_processes.environment(one),
            **airflow_processes.of_one(one, "airflow-api-1"),
        }
        shown = "\n".join(told.values())
        assert [text for text in texts if text in shown] == []


def test_of_one__cluster__only_servers_are_given_the_servers_certificate(cluster):
    server = airflow_processes.of_one(cluster, "airflow-api-2")

    assert server["AIRFLOW__API__SSL_KEY"].endswith("airflow.key")
    assert "AIRFLOW__API__SSL_KEY" not in airflow_processes.of_one(cluster, "airflow-worker-1")
    assert airflow_processes.of_one(cluster, "airflow-scheduler") == {}
