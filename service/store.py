"""Opens the store a URL names."""

from typing import Any

from service.failures import Failure


def open_store(url: str, *, create: bool = False) -> Any:
    """The recorder of ``sqlite:///path``; with ``create`` a missing store is made."""
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        raise Failure("bad_store", "that is not a store: say sqlite:///path/to/file.db (--store or EXPOSURE_STORE)")
    from exposure.ledger.schema import StoreNotMade, WrongStoreVersion
    from exposure.ledger.sqlite import open_sqlite

    try:
        return open_sqlite(path, create=create)
    except FileNotFoundError as error:
        raise Failure("no_store", str(error)) from error
    except WrongStoreVersion as error:
        raise Failure("store_version", str(error)) from error
    except StoreNotMade as error:
        raise Failure("store", str(error)) from error
