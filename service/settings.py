"""The one place that reads the environment: ``EXPOSURE_STORE`` and its like."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """``store`` is where everything is kept; ``documents_in_memory`` how many documents one process holds at most."""

    model_config = SettingsConfigDict(env_prefix="EXPOSURE_", extra="ignore")

    store: str = "sqlite:///exposure.db"
    documents_in_memory: int = 100_000
