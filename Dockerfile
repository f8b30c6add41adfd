# One image for web, worker, beat, gateway and (with the sandbox's packages) the sandbox.
FROM python:3.11-slim-bookworm AS build
ARG REQUIREMENTS=production
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/ /tmp/requirements/
RUN /opt/venv/bin/pip install --require-hashes --requirement "/tmp/requirements/${REQUIREMENTS}.txt"

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=portal.settings \
    STATIC_HASHED=True \
    STATIC_ROOT=/app/staticfiles \
    SLIPWAY_HOME=/data
RUN groupadd --gid 10001 slipway \
    && useradd --uid 10001 --gid slipway --home-dir /data --no-create-home slipway \
    && install --directory --owner=slipway --group=slipway --mode=0700 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
# The key only lets settings load while the files are collected; no server ever sees it.
RUN SECRET_KEY=collecting-static-files-only python manage.py collectstatic --no-input -v0 \
    && python -m compileall -q /app
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8000
# As a proxy would ask: with a host that is allowed, over what counts as HTTPS.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/health/live/', headers={'Host': (os.environ.get('ALLOWED_HOSTS') or '127.0.0.1').split(',')[0].strip(), 'X-Forwarded-Proto': 'https'}), timeout=4)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", "--access-log", "portal.wsgi:application"]
