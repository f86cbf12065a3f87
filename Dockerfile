# One image, three processes: `autoshop serve`, `autoshop worker`, `autoshop migrate`.
# The first stage installs, the second carries: pip and its cache stay behind.

FROM python:3.13-slim AS packages
WORKDIR /app
RUN python -m venv /app/.venv
COPY requirements-runtime.lock .
RUN /app/.venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: -r requirements-runtime.lock \
 && /app/.venv/bin/python -m pip uninstall -qy pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title=autoshop org.opencontainers.image.licenses=Apache-2.0
RUN groupadd --system --gid 10001 autoshop \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin autoshop
WORKDIR /app
COPY --from=packages /app/.venv /app/.venv
COPY migrations migrations
COPY src src
# The root filesystem is read-only at run time: compile once, here.
RUN printf '%s\n' '#!/app/.venv/bin/python' 'from autoshop.cli import main' 'main()' > /usr/local/bin/autoshop \
 && chmod 755 /usr/local/bin/autoshop \
 && /app/.venv/bin/python -m compileall -q /app/src /app/migrations
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONPATH=/app/src \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["autoshop"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
