"""Opens the store a URL names."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from service.failures import Failure


def open_store(url: str, *, create: bool = False) -> Any:
    """The recorder of ``sqlite:///path`` or ``postgresql://…``; with ``create`` a missing store is made."""
    from exposure.ledger.stores.schema import StoreNotMade, WrongStoreVersion

    try:
        return opener(url)(create=create)
    except FileNotFoundError as error:
        raise Failure("no_store", str(error)) from error
    except WrongStoreVersion as error:
        raise Failure("store_version", str(error)) from error
    except StoreNotMade as error:
        raise Failure("store", str(error)) from error


def opener(url: str) -> Callable[..., Any]:
    """What opens the store of a URL: the database's own driver is loaded only where it is used."""
    if url.startswith(("postgresql://", "postgres://")):
        from exposure.ledger.stores.postgres import open_postgres

        return partial(open_postgres, url)
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        raise Failure("bad_store", "that is not a store: say sqlite:///path/to/file.db or postgresql://… (--store or EXPOSURE_STORE)")
    if os.path.isdir(path):
        raise Failure(
            "bad_store", f"{path} is a directory, not a store: name the file, as sqlite:///{path.rstrip('/')}/exposure.db (--store or EXPOSURE_STORE)"
        )
    from exposure.ledger.stores.sqlite import open_sqlite

    return partial(open_sqlite, path)
