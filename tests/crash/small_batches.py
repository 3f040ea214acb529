"""``wmiwh`` with batches of some megabytes: what hundreds of gigabytes of logs do, in seconds."""

from wmiwarehouse.__main__ import main
from wmiwarehouse.pipeline import ingest

if __name__ == "__main__":
    ingest._BATCH_BYTES = 3 << 20
    main()
