"""The cluster's RabbitMQ: the broker of Airflow's Celery workers, over TLS alone."""

from __future__ import annotations

from leverageguard.airflow_secrets import BROKER_URL
from leverageguard.cluster_settings import CLIENT
from leverageguard.config import Settings
from leverageguard.stack import processes
from leverageguard.stack.cluster import servers

SERVER = servers.Server("rabbitmq", "rabbitmq-server", "rabbitmq-server", "rabbitmq")
# Erlang's register of nodes; RabbitMQ would start one that outlives it.
EPMD = servers.Server("epmd", "erlang-base", "epmd", "rabbitmq")
PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
PASSWORD = "rabbitmq_password"
CONFIGURATION = """\
listeners.tcp = none
listeners.ssl.default = {host}:{port}
ssl_options.cacertfile = {authority}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
default_user = {user}
default_pass = {password}
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 200MB
# A task is acknowledged when it has ended: it may take hours.
consumer_timeout = 86400000
"""


def start(settings: Settings) -> processes.Running:
    """Start the broker and the register it needs."""
    registered = EPMD.start(settings, ["epmd"], _epmd(settings))
    servers.wait(settings, registered, settings.epmd_port)
    return SERVER.start(settings, [PROGRAM], configure(settings))


def configure(settings: Settings) -> dict[str, str]:
    """Write what the server reads; the environment that leads it there."""
    certificate, key, authority = SERVER.tls(settings)
    folder = SERVER.folder(settings)
    configuration = SERVER.write(
        settings,
        "rabbitmq.conf",
        CONFIGURATION.format(
            host=settings.host,
            port=settings.rabbitmq_port,
            certificate=certificate,
            key=key,
            authority=authority,
            user=CLIENT,
            password=settings.secret(PASSWORD),
        ),
    )
    plugins = SERVER.write(settings, "enabled_plugins", "[].\n")
    loopback = "{" + settings.host.replace(".", ",") + "}"
    return {
        **_epmd(settings),
        "RABBITMQ_NODENAME": f"leverageguard-{settings.port_base}@localhost",
        "RABBITMQ_CONFIG_FILE": str(configuration),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / "feature_flags"),
        "RABBITMQ_DIST_PORT": str(settings.rabbitmq_node_port),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {loopback} "
        "+sbwt none +sbwtdcpu none +sbwtdio none",
    }


def _epmd(settings: Settings) -> dict[str, str]:
    return {"ERL_EPMD_PORT": str(settings.epmd_port), "ERL_EPMD_ADDRESS": settings.host}


def remember_url(settings: Settings) -> None:
    """The broker's URL as a secret of its own: Airflow's configuration reads it by a command."""
    url = f"amqps://{CLIENT}:{settings.secret(PASSWORD)}@{settings.host}:{settings.rabbitmq_port}//"
    settings.home_of(BROKER_URL).create(BROKER_URL, url)
