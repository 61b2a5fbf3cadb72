"""All that a decision looks at, and what it says of it: the account alone, and its group. A pure function, so a decision can be made again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from exposure.decisions import Answer, Asked, decide, inputs
from exposure.figures import Figures, Rates
from exposure.groups import Group, Ruling, judge
from exposure.groups import inputs as inputs_of_group
from schemas.facts import Data


class Seen(NamedTuple):
    """``fulfilled`` is what of the order was delivered or invoiced, by currency; ``left`` what would be left on the account it is on so far."""

    figures: Figures
    rates: Rates
    fulfilled: dict[str, int]
    asked: Asked
    group: Group | None = None
    left: Mapping[str, int] = {}

    def decided(self) -> tuple[Data, Data]:
        """What a decision says, by the fields that record it, and all that it depends on. Raises ``NoRate``."""
        answer, ruling = self.answer()
        depends = inputs(self.figures, self.fulfilled, self.asked, answer)
        if self.group or self.left:
            depends |= inputs_of_group(self.group, self.figures.on.account, self.left)
        return self.said(answer, ruling), depends

    def answer(self) -> tuple[Answer, Ruling | None]:
        """What the account says, and its group."""
        answer = decide(self.figures, self.rates, self.fulfilled, self.asked)
        if self.group is None:
            return answer, None
        account = self.figures.on.account
        ruling = judge(self.group, account, answer, {**self.left, account: answer.judged.net})
        return replace(answer, findings=ruling.findings(answer, self.figures.rules.over_limit)), ruling

    def said(self, answer: Answer, ruling: Ruling | None) -> Data:
        figures = self.figures
        return {
            "as_of": figures.on.day,
            "policy": figures.rules.policy,
            "decision": answer.decision,
            "reasons": answer.reasons,
            "exposure_before": figures.text(answer.before),
            "exposure_after": figures.text(answer.after),
            "limit": figures.limit_shown(),
            "available_after": None if answer.available_after is None else figures.text(answer.available_after),
            "warnings": answer.warnings,
            "findings": answer.findings,
            "group": ruling.shown() if ruling else None,
            "judged": figures.judged_shown(answer.judged),
        }
