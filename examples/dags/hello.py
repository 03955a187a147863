"""The smallest DAG that does something: one task, started by hand."""

from __future__ import annotations

import datetime

from airflow.sdk import dag, task


@dag(schedule=None, start_date=datetime.datetime(2026, 1, 1), catchup=False, tags=["demo"])
def hello():
    """Says hello."""

    @task
    def greet() -> str:
        """Returns the greeting, which Airflow keeps as the task's result."""
        return "hello from behind the gate"

    greet()


hello()
