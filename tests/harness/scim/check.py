"""Every check of scim2-tester against one endpoint, as JSON: what each came to. Arguments: the endpoint; the header Authorization comes
from the environment."""

from __future__ import annotations

import json
import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

client = Client(base_url=sys.argv[1], headers={"Authorization": os.environ["SCIM_AUTHORIZATION"]}, timeout=60)
results = check_server(SyncSCIMClient(client))
json.dump(
    [
        {
            "status": result.status.name,
            "title": result.title,
            "resource": str(result.resource_type or ""),
            "reason": str(result.reason or "")[:600],
        }
        for result in results
    ],
    sys.stdout,
)
