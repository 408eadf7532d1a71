"""Print a table's row count and sum of packets as pyiceberg reads it through a REST catalog."""
import sys

import pyarrow.compute
from pyiceberg.catalog.rest import RestCatalog

uri, endpoint, key, secret, name = sys.argv[1:]
catalog = RestCatalog("rest", uri=uri, **{"s3.endpoint": endpoint, "s3.access-key-id": key, "s3.secret-access-key": secret, "s3.region": "us-east-1"})
rows = catalog.load_table(name).scan().to_arrow()
print(rows.num_rows, pyarrow.compute.sum(rows["packets"]))
