"""The questions people ask: each file answers one."""
