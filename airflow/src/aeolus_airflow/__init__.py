"""The Apache Airflow auth manager of Aeolus.

Airflow behind an Aeolus gate has one source of identity: the short tokens that the gate mints for
this deployment. `AeolusAuthManager` accepts those and nothing else, and turns the role inside them
into Airflow permissions. Set ``[core] auth_manager = aeolus_airflow.AeolusAuthManager``.
"""

from aeolus_airflow.manager import AeolusAuthManager
from aeolus_airflow.roles import Role
from aeolus_airflow.user import AeolusUser

__all__ = ["AeolusAuthManager", "AeolusUser", "Role"]
