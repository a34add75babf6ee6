"""Guestlist's Airflow plugin, where Guestlist is only on Python's path: once installed, it comes by its entry point."""

from guestlist.orchestration import plugin

if not plugin.is_installed():
    GuestlistPlugin = plugin.GuestlistPlugin
