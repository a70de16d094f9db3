# The bot with everything it needs but a model: docker build -t rejoinder . && docker run --env-file .env -v rejoinder:/data rejoinder
FROM python:3.13-slim

# libgomp1 is for the small local model, which is installed into /data when no other model is configured.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home rejoinder \
    && install -d -o rejoinder /data

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    TIKTOKEN_CACHE_DIR=/opt/vocabularies \
    REJOINDER_DATA=/data \
    REJOINDER_HTTP=0.0.0.0:8080

WORKDIR /app

COPY requirements/ requirements/
RUN pip install --require-hashes --requirement requirements/run.txt

# alembic/ is no package and in no wheel: the sources are copied as they are and started as a module.
COPY LICENSE NOTICE pyproject.toml ./
COPY alembic/ alembic/
COPY storage/ storage/
COPY adapters/ adapters/
COPY bot/ bot/
RUN python -m bot.tokens.vocabularies /opt/vocabularies && python -m compileall -q bot adapters storage

USER rejoinder
VOLUME /data
EXPOSE 8080

# A one-liner, since the whole command line would cost more processor time than the bot itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s CMD \
    ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['REJOINDER_HTTP'].rpartition(':')[2] + '/healthz', timeout=4)"]

CMD ["python", "-m", "bot", "run"]
