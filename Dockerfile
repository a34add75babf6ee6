# The official image with our requirements; docker-compose.yaml mounts the code over what is copied here, for development.
FROM apache/airflow:3.3.2-python3.12

COPY requirements.txt /tmp/requirements.txt
# complete and with hashes: nothing is resolved
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement /tmp/requirements.txt

COPY --chown=airflow:0 pyproject.toml README.md LICENSE /opt/airflow/
COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 include /opt/airflow/include
# the command, and the provider with the forms of connections; the code stays where it is
RUN pip install --no-cache-dir --no-deps --no-index --no-build-isolation --editable /opt/airflow
# folders that volumes are mounted over take their owner from here
RUN mkdir -p /opt/airflow/guestlist /opt/airflow/sandbox && chmod g+rwx /opt/airflow/guestlist /opt/airflow/sandbox
