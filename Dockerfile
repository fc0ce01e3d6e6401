# A release names the digest too (python:3.13-slim-bookworm@sha256:…), so that the same base comes again.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS builder

# The time of the commit (`git log -1 --format=%ct`): with it the wheel and the compiled modules are the same to the
# byte whenever they are built. `docker buildx build --output type=image,rewrite-timestamp=true` does the same for layers.
ARG SOURCE_DATE_EPOCH=0
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

# The environment gets no pip of its own: nothing can be installed into the running service.
RUN python -m venv --without-pip /opt/venv

WORKDIR /build

# Dependencies before sources: this layer is rebuilt only when the lock changes.
COPY requirements.lock ./
RUN pip --python /opt/venv/bin/python install --require-hashes --no-deps --only-binary :all: --requirement requirements.lock

COPY pyproject.toml README.md LICENSE NOTICE ./
COPY cds_service cds_service
COPY fhir_mappings fhir_mappings
COPY cards cards
# The build tools (hatchling and what only it needs) do not go into the final image.
RUN pip --python /opt/venv/bin/python wheel --no-build-isolation --no-deps --wheel-dir dist . \
    && pip --python /opt/venv/bin/python install --no-index --no-deps dist/*.whl \
    && pip --python /opt/venv/bin/python uninstall --yes \
        editables hatchling packaging pathspec pluggy tomlkit trove-classifiers \
    && /opt/venv/bin/python -m compileall -q -f --invalidation-mode unchecked-hash /opt/venv/lib


# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE}

ARG PYTHON_IMAGE
ARG SOURCE_DATE_EPOCH=0
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="lumbar-mri-cds" \
      org.opencontainers.image.description="CDS Hooks service that checks lumbar spine MRI orders against published imaging guidance" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LUMBAR_CDS_PROFILE=production \
    LUMBAR_CDS_DATA_DIR=/data

# A fixed number, so that volumes and Kubernetes' runAsNonRoot can rely on it.
RUN groupadd --gid 10001 lumbar \
    && useradd --uid 10001 --gid lumbar --no-create-home --home-dir /data --shell /usr/sbin/nologin lumbar \
    && install -d -o lumbar -g lumbar -m 0750 /data

COPY --from=builder /opt/venv /opt/venv

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080

# Without the image's proxy settings, which would send even a loopback call to the proxy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8080/livez', timeout=4)"]

ENTRYPOINT ["lumbar-cds"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
