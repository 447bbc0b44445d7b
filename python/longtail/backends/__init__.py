"""Longtail behind the interfaces of other frameworks."""
