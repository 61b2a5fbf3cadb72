"""What credit management does in the sample: limits, protections, reviews of a customer, blocks."""

from service.sample.currencies import Currency
from service.sample.customers import CLASSES, Account, tell_customer
from service.sample.diary import Diary

APPROVERS = ("a.rossi", "k.weber", "s.nowak")


def welcome(diary: Diary, account: Account) -> None:
    """A new customer is known before its first order: master data, a base limit, for some a protection."""
    tell_customer(diary, account)
    _set_base_limit(diary, account, diary.number("L"), 1)
    if diary.chance(0.1):
        _protect(diary, account, diary.number("PR"), 1)
    if diary.chance(0.3):
        diary.later(diary.between(20, 250), _grant_temporary_limit, account)
    if diary.chance(0.3):
        diary.later(diary.between(60, 600), _review_customer, account)


def _set_base_limit(diary: Diary, account: Account, limit: str, version: int) -> None:
    luck = diary.random()
    amount = _rounded(account.currency, account.usual_exposure * (0.8 + 2.2 * diary.random()))
    if luck < 0.04:
        amount = "unlimited" if luck < 0.02 else "none"
    _tell_limit(diary, account, limit, version, f'"kind":"base","amount":"{amount}"', diary.today, None)
    following = (diary.number("L"), 1) if diary.chance(0.3) else (limit, version + 1)
    diary.later(diary.between(200, 500), _set_base_limit, account, *following)


def _grant_temporary_limit(diary: Diary, account: Account) -> None:
    limit, ends = diary.number("L"), diary.today + diary.between(20, 80)
    said = f'"kind":"temporary","amount":"{_rounded(account.currency, account.usual_exposure * (3 + diary.random()))}"'
    _tell_limit(diary, account, limit, 1, said, diary.today, ends)
    if diary.chance(0.25):
        diary.later(diary.between(5, 15), _extend_temporary_limit, account, limit, said, diary.today, ends)
    diary.later(diary.between(200, 400), _grant_temporary_limit, account)


def _extend_temporary_limit(diary: Diary, account: Account, limit: str, said: str, begins: int, ends: int) -> None:
    _tell_limit(diary, account, limit, 2, said, begins, ends + 30)


def _tell_limit(diary: Diary, account: Account, limit: str, version: int, said: str, begins: int, ends: int | None) -> None:
    until = "" if ends is None else f'"valid_to":"{diary.iso[ends]}","reason":"season",'
    diary.tell(
        "limit.changed",
        account,
        f'"limit":"{limit}","version":{version},{said},"currency":"{account.currency.subject}",'
        f'"valid_from":"{diary.iso[begins]}",{until}"approved_by":"{APPROVERS[diary.between(0, 2)]}"',
    )


def _protect(diary: Diary, account: Account, protection: str, version: int) -> None:
    """For a year; most are renewed."""
    kind = ("insurance", "insurance", "guarantee", "collateral")[diary.between(0, 3)]
    amount = _rounded(account.currency, account.usual_exposure * (0.4 + diary.random()))
    diary.tell(
        "protection.changed",
        account,
        f'"protection":"{protection}","version":{version},"kind":"{kind}","amount":"{amount}",'
        f'"currency":"{account.currency.subject}","valid_from":"{diary.iso[diary.today]}",'
        f'"valid_to":"{diary.iso[diary.today + 365]}","provider":"Atlas Credit"',
    )
    if diary.chance(0.7):
        diary.later(360, _protect, account, protection, version + 1)


def _review_customer(diary: Diary, account: Account) -> None:
    account.version += 1
    account.risk = CLASSES[diary.between(0, 9)]
    tell_customer(diary, account)


def block(diary: Diary, account: Account) -> None:
    """The busier the account, the rarer: blocks follow customers, not single invoices."""
    if account.blocked or not diary.chance(0.5 / (1 + 20 * account.orders_per_day)):
        return
    account.blocked = True
    account.blocks += 1
    diary.tell(
        "account.blocked",
        account,
        f'"version":{account.blocks},"date":"{diary.iso[diary.today]}","reason":"late payment"',
    )
    diary.later(diary.between(10, 40), _unblock, account)


def _unblock(diary: Diary, account: Account) -> None:
    account.blocked = False
    account.blocks += 1
    diary.tell("account.unblocked", account, f'"version":{account.blocks},"date":"{diary.iso[diary.today]}"')


def _rounded(currency: Currency, euro: float) -> str:
    """Two leading digits, as limits are set."""
    digits = str(max(100, int(euro / currency.rate)))
    return currency.money(int(digits[:2] + "0" * (len(digits) - 2)) * currency.units)
