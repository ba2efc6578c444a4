# syntax=docker/dockerfile:1
# Every wheel in uv.lock exists for linux/amd64 and linux/arm64, and so does the base image.
FROM python:3.11-slim-bookworm AS build
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/tempor8
COPY .ci/uv.txt /tmp/uv.txt
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement /tmp/uv.txt
WORKDIR /src
# dependencies first: they change less often than the sources
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups --no-install-project
COPY . .
RUN uv sync --locked --no-default-groups --no-editable

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin tempor8
COPY --from=build /opt/tempor8 /opt/tempor8
ENV PATH=/opt/tempor8/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 TEMPOR8_STATE=/tmp/tempor8
USER 10001
EXPOSE 8202
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=6 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8202/livez', timeout=3)"]
ENTRYPOINT ["tempor8"]
CMD ["serve"]
