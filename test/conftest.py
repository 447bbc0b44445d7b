"""What all tests share."""

import os

# What somebody has tuned on this machine must not change what is tested.
os.environ["LONGTAIL_RECORDS"] = "off"
# Nor may what an earlier build has compiled.
os.environ["LONGTAIL_CACHE"] = "off"
