"""Airflow's REST API as the tests of a running Airflow use it."""

import re
import shutil
import time
from pathlib import Path

import httpx

INCLUDE = Path(__file__).resolve().parents[2] / "include"


class Api:
    """Airflow's REST API, logged in, for one DAG."""

    def __init__(self, airflow, dag):
        self.dag = dag
        self.client = httpx.Client(base_url=airflow.url, timeout=120)  # a machine that runs everything at once answers late
        login = self.client.post("/auth/token", json={"username": airflow.user, "password": airflow.password})
        login.raise_for_status()
        self.client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"

    def get(self, path, **query):
        answer = self.client.get(f"/api/v2{path}", params=query)
        answer.raise_for_status()
        return answer.json()

    def send(self, method, path, body):
        answer = self.client.request(method, f"/api/v2{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def trigger(self, **conf):
        self.send("PATCH", f"/dags/{self.dag}", {"is_paused": False})
        return self.send("POST", f"/dags/{self.dag}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]

    def wait(self, run, seconds=150):
        deadline = time.monotonic() + seconds
        while (state := self.state(run)) not in ("success", "failed"):
            assert time.monotonic() < deadline, self.tasks(run)
            time.sleep(0.5)
        return state

    def state(self, run):
        return self.get(f"/dags/{self.dag}/dagRuns/{run}")["state"]

    def wait_for_dag(self, seconds=60):
        self.until(lambda: self.dag in {dag["dag_id"] for dag in self.get("/dags")["dags"]}, seconds)

    def tasks(self, run):
        found, path = [], f"/dags/{self.dag}/dagRuns/{run}/taskInstances"
        while len(found) % 100 == 0 and (page := self.get(path, limit=100, offset=len(found))["task_instances"]):
            found += page
        return {f"{task['task_id']}[{task['map_index']}]": task for task in found}

    def until(self, true, seconds=120):
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.5)

    def wait_for_task(self, run, name, states, seconds=120):
        self.until(lambda: self.tasks(run).get(f"{name}[-1]", {}).get("state") in states, seconds)

    def clear(self, run, *tasks):
        """Clear tasks with all that comes after them, as people do in the UI."""
        body = {"dry_run": False, "task_ids": tasks, "include_downstream": True, "only_failed": False, "reset_dag_runs": True}
        return self.send("POST", f"/dags/{self.dag}/clearTaskInstances", {**body, "dag_run_id": run})


def without_schedules(folder):
    """The project's segments and queries below ``folder``; Airflow runs what has just missed its time when it is turned on."""
    shutil.copytree(INCLUDE / "sql", folder / "sql")
    (folder / "segments").mkdir(parents=True)
    for path in (INCLUDE / "segments").glob("*.yaml"):
        text = re.sub(r"^schedule:.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (folder / "segments" / path.name).write_text(text, encoding="utf-8")
    return folder / "segments"
