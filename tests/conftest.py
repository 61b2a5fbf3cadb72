"""How many histories each law is tried on: 2,000 by default, more with ``--hypothesis-profile=long``."""

from hypothesis import HealthCheck, settings

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("default", max_examples=2000, deadline=None, suppress_health_check=QUIET, derandomize=True)
settings.register_profile("long", max_examples=100_000, deadline=None, suppress_health_check=QUIET)
settings.register_profile("quick", max_examples=200, deadline=None, suppress_health_check=QUIET)
settings.load_profile("default")
