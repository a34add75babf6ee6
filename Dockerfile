# The official image with our requirements; code is mounted by docker-compose.yaml, or copied where it is built to be shipped.
FROM apache/airflow:3.3.2-python3.12

COPY requirements.txt /tmp/requirements.txt
# complete and with hashes: nothing is resolved
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement /tmp/requirements.txt

COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 include /opt/airflow/include
ENV PYTHONPATH=/opt/airflow/include
# folders that volumes are mounted over take their owner from here
RUN mkdir -p /opt/airflow/guestlist /opt/airflow/sandbox && chmod g+rwx /opt/airflow/guestlist /opt/airflow/sandbox \
 && printf '#!/usr/bin/env python\nimport sys\n\nfrom guestlist.cli.main import run\n\nsys.exit(run())\n' > /home/airflow/.local/bin/guestlist \
 && chmod +x /home/airflow/.local/bin/guestlist
