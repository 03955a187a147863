"""Three tasks in a row, so that the graph has something to show."""

from __future__ import annotations

import datetime

from airflow.sdk import dag, task


@dag(schedule="@daily", start_date=datetime.datetime(2026, 1, 1), catchup=False, tags=["demo", "sales"])
def sales_report():
    """Adds up the day's orders."""

    @task
    def extract() -> list[int]:
        """The day's orders."""
        return [120, 80, 310]

    @task
    def total(orders: list[int]) -> int:
        """Their sum."""
        return sum(orders)

    @task
    def publish(amount: int) -> None:
        """Prints the figure into the task's log."""
        print(f"sold for {amount}")

    publish(total(extract()))


sales_report()
