# One image for everything: serve (the default), worker, migrate and the other commands.
#   docker build -t retainer .
#   docker run -p 8000:8000 -v retainer:/var/lib/retainer retainer                 its own Postgres, in the volume
#   docker run -p 8000:8000 -e DATABASE_URL=... -e RETAINER_SECRET_KEY=... retainer
#   docker run --no-healthcheck -e DATABASE_URL=... retainer worker
ARG PYTHON=3.11
FROM python:${PYTHON}-slim AS build
WORKDIR /opt/retainer
COPY requirements/run.lock requirements/embedded.lock requirements/
COPY scripts/bootstrap.sh scripts/
RUN scripts/bootstrap.sh run
COPY LICENSE NOTICE pyproject.toml ./
COPY migrations migrations
COPY openapi openapi
COPY docs docs
COPY app app
RUN .venv/bin/python -m compileall -q app migrations

FROM python:${PYTHON}-slim
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Retainer" \
      org.opencontainers.image.description="The ledger and the rules of paid support" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
# Postgres wants its user to have a name; everybody else goes by the number.
RUN groupadd --gid 10001 retainer \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/retainer --no-create-home --shell /usr/sbin/nologin retainer \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/retainer
COPY --from=build /opt/retainer /opt/retainer
WORKDIR /opt/retainer
ENV PYTHONPATH=/opt/retainer PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    RETAINER_HOST=0.0.0.0 RETAINER_DATA_DIR=/var/lib/retainer
USER 10001:10001
VOLUME ["/var/lib/retainer"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/opt/retainer/.venv/bin/python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('RETAINER_PORT', '8000') + '/readyz', timeout=4)"]
ENTRYPOINT ["/opt/retainer/.venv/bin/retainer"]
CMD ["serve"]
