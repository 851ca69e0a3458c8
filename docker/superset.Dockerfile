# Superset and its worker: an environment of its own (SQLAlchemy below 2), the same user, no root.
FROM python:3.11.14-slim-bookworm AS build
COPY requirements/superset.lock /locks/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r /locks/superset.lock

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin leverageguard \
    && install -d -o 10001 -g 10001 -m 700 /srv/leverageguard/data /srv/leverageguard/data/superset
COPY --from=build /opt/venv /opt/venv
COPY include/superset /opt/leverageguard/include/superset
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    LEVERAGEGUARD_DATA=/srv/leverageguard/data \
    LEVERAGEGUARD_PORT=18080 \
    SUPERSET_CONFIG_PATH=/opt/leverageguard/include/superset/superset_config.py
WORKDIR /opt/leverageguard
USER 10001:10001
CMD ["python", "include/superset/serve.py"]
