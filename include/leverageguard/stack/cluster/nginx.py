"""The balancer: nginx, the only one whom people reach; behind it every server is there twice."""

from __future__ import annotations

from pathlib import Path
from string import Template

from leverageguard.cluster_settings import CLIENT
from leverageguard.config import Settings
from leverageguard.stack import processes
from leverageguard.stack.cluster import certificates, servers

SERVER = servers.Server("nginx", "nginx", "nginx", "www-data", "QUIT")
CONFIGURATION = Template("""\
daemon off;
worker_processes 1;
pid $folder/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  server_tokens off;
  client_max_body_size 4m;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
  ssl_certificate $certificate;
  ssl_certificate_key $key;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:tls:2m;
  map $$http_upgrade $$connection_upgrade { default upgrade; '' ''; }
  proxy_http_version 1.1;
  proxy_ssl_verify on;
  proxy_ssl_trusted_certificate $authority;
  proxy_ssl_certificate $client_certificate;
  proxy_ssl_certificate_key $client_key;
  proxy_ssl_name localhost;
  proxy_ssl_session_reuse on;
  proxy_connect_timeout 3s;
  proxy_read_timeout 300s;
  # Each server is tried every time: one that is away refuses at once, and one that was slow once is
  # not left out. What was sent to one server is sent to no other, unless a repeat can do nothing
  # twice.
  proxy_next_upstream error timeout;
  proxy_next_upstream_tries 2;
  proxy_set_header Host $$http_host;
  proxy_set_header X-Forwarded-For $$remote_addr;
  proxy_set_header X-Forwarded-Proto https;
  proxy_set_header X-Forwarded-Host $$http_host;
  proxy_set_header X-Forwarded-Port $$server_port;
  proxy_set_header Upgrade $$http_upgrade;
  proxy_set_header Connection $$connection_upgrade;
  add_header Strict-Transport-Security "max-age=31536000" always;
$parts}
""")
PART = Template("""\
  upstream $name {
$members    keepalive 16;
  }
  server {
    listen $host:$port ssl;
    location / { proxy_pass https://$name; }
  }
""")


def start(settings: Settings) -> processes.Running:
    """Start the balancer; whether those behind it are there yet does not matter to it."""
    return SERVER.start(settings, ["nginx", "-c", str(configure(settings)), "-e", "stderr"])


def configuration(settings: Settings, files: dict[str, str], listen: str | None = None) -> str:
    """What nginx reads; `files` are the certificates and keys by what they are for."""
    behind = {
        "airflow": (settings.airflow_port, settings.api_server_ports),
        "superset": (settings.superset_port, (settings.superset_server_port,)),
        "gateway": (settings.gateway_port, settings.gateway_worker_ports),
    }
    parts = "".join(
        PART.substitute(
            name=name,
            host=listen or settings.host,
            port=port,
            members="".join(f"    server {settings.host}:{one} max_fails=0;\n" for one in members),
        )
        for name, (port, members) in behind.items()
    )
    return CONFIGURATION.substitute(files, parts=parts)


def configure(settings: Settings, listen: str | None = None) -> Path:
    """Write what nginx reads; the file. It listens where the stack does, or elsewhere."""
    certificate, key, authority = SERVER.tls(settings)
    files = {
        "folder": SERVER.folder(settings),
        "certificate": certificate,
        "key": key,
        "authority": authority,
    }
    for what, source in zip(
        ("client_certificate", "client_key"), certificates.of_client(settings, CLIENT), strict=True
    ):
        files[what] = SERVER.write(settings, source.name, source.read_text())
    told = {name: str(path) for name, path in files.items()}
    return SERVER.write(settings, "nginx.conf", configuration(settings, told, listen))
