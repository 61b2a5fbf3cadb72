# The engine, for a machine that has nothing else: `docker build -t exposure-engine:0.1.0 .`
# Both stages are of one image, so that the environment made in the first runs in the last. What is installed has its hash in a lock.

FROM python:3.11.15-slim-bookworm AS built
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements-run.lock ./
RUN python -m venv --without-pip /opt/exposure \
    && pip --python /opt/exposure/bin/python install --require-hashes --only-binary :all: -r requirements-run.lock
COPY requirements.lock ./
RUN pip install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY exposure exposure
COPY projections projections
COPY consumers consumers
COPY service service
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && pip --python /opt/exposure/bin/python install --no-deps --no-index /wheel/*.whl

FROM python:3.11.15-slim-bookworm
RUN groupadd --gid 10001 exposure \
    && useradd --uid 10001 --gid exposure --no-create-home --home-dir /var/lib/exposure --shell /usr/sbin/nologin exposure \
    && install --directory --owner=exposure --group=exposure /var/lib/exposure
COPY --from=built /opt/exposure /opt/exposure
ENV PATH=/opt/exposure/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 EXPOSURE_HTTP=0.0.0.0:9464
WORKDIR /var/lib/exposure
USER 10001:10001
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["exposure"]
CMD ["--help"]
