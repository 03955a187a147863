"""The same trust for Apache Airflow 2, whose users and roles are those of Flask-AppBuilder.

In ``webserver_config.py``::

    from aeolus_airflow.airflow2 import AeolusSecurityManager as SECURITY_MANAGER_CLASS

and ``AIRFLOW__API__AUTH_BACKENDS=aeolus_airflow.airflow2.api_auth``.
"""

from aeolus_airflow.airflow2.security import AeolusSecurityManager

__all__ = ["AeolusSecurityManager"]
