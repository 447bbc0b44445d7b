"""What all tests share."""

import os

# What somebody has tuned on this machine must not change what is tested.
os.environ["LONGTAIL_RECORDS"] = "off"
