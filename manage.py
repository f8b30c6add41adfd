#!/usr/bin/env python
"""Slipway's command line."""

import os
import sys

from django.core.management import execute_from_command_line

from portal.embedded import home

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    # Commands find the servers that `up` started; whatever is set already wins.
    home.load_environment(os.environ, command=sys.argv[1] if len(sys.argv) > 1 else "")
    execute_from_command_line(sys.argv)
