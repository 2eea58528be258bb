"""Requirements, verdicts, the proxy of the package under test, saboteurs' patches."""

from __future__ import annotations

import asyncio
import json
import time
import types

import pytest

from conformance import casetime, doc, must, rfc, tracebacks
from conformance.package import PackageProxy
from conformance.requirement import each, labelled
from conformance.saboteurs import Patches, registry, saboteur
from conformance.verdict import CaseRecord, HarnessError, Missing, Verdict, worst


@pytest.mark.parametrize("id", ["web", "web.redirect", "Web.redirect.default", "web.redirect.", "web.re direct.x"])
def test_an_id_is_three_or_four_lower_case_words(id: str) -> None:
    with pytest.raises(ValueError, match=r"area\.topic\.behaviour"):
        must(id, "A sentence.", doc("web"))


def test_a_requirement_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one source"):
        must("web.redirect.default", "A sentence.")


def test_statements_are_the_cited_items_only() -> None:
    @must("a.b.c", "A sentence.", rfc(9112, "3.2", "RFC9112-3.2-4"), doc("web"))
    def case() -> None: ...

    assert case.requirement.statements == {"RFC9112-3.2-4"}  # type: ignore[attr-defined]


def test_each_names_cases_by_dimension_and_label() -> None:
    @each(status=[301, labelled("odd one", 999), b"a b"])
    def case() -> None: ...

    assert case.pytestmark[0].kwargs["ids"] == ["status=301", "status=odd one", "status=a_b"]  # type: ignore[attr-defined]


def test_a_missing_name_or_module_is_a_verdict_not_an_attribute_error() -> None:
    api = PackageProxy()
    api.bind("json")

    assert api.decoder.JSONDecoder is not None
    with pytest.raises(Missing, match=r"json\.decoder has no Nonsense"):
        _ = api.decoder.Nonsense
    with pytest.raises(Missing, match=r"no module json\.nonsense"):
        _ = api.nonsense.Name


def test_introspection_of_the_proxy_gets_ordinary_answers() -> None:
    api = PackageProxy()
    api.bind("json")

    assert not hasattr(api.decoder, "__wrapped__")
    assert not hasattr(api, "__wrapped__")


def test_the_proxy_says_when_no_run_has_chosen_a_package() -> None:
    with pytest.raises(HarnessError, match="no package under test"):
        _ = PackageProxy().web.RequestHandler


def test_the_worst_case_decides() -> None:
    assert worst([Verdict.PASS, Verdict.LENIENT]) is Verdict.LENIENT
    assert worst([Verdict.FAIL, Verdict.PASS, Verdict.UNSUPPORTED]) is Verdict.FAIL
    assert worst([Verdict.HARNESS_ERROR, Verdict.FAIL]) is Verdict.HARNESS_ERROR


def test_a_record_survives_its_json() -> None:
    record = CaseRecord("t", "a.b.c", "x", "must", Verdict.FAIL, params="n=1", chop="bytes", message="no")

    assert CaseRecord.from_json(record.to_json()) == record
    assert record.to_json()["key"] == "a.b.c[n=1]@chop=bytes"


def test_patches_are_undone_in_reverse_order() -> None:
    class Base:
        def inherited(self) -> str:
            return "base"

    class Owner(Base):
        own = "original"

    patches = Patches("json")
    patches.replace(Owner, "own", "first")
    patches.replace(Owner, "own", "second")
    patches.replace(Owner, "inherited", lambda self: "patched")
    assert (Owner.own, Owner().inherited()) == ("second", "patched")

    patches.undo()
    assert (Owner.own, Owner().inherited()) == ("original", "base")
    assert "inherited" not in vars(Owner)


def test_a_patch_of_a_name_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(AttributeError):
        Patches("json").replace(types.SimpleNamespace(), "nothing", 1)


def test_two_saboteurs_may_not_share_a_name() -> None:
    taken = next(iter(registry()))
    with pytest.raises(ValueError, match="two saboteurs"):
        saboteur(taken, "A lie.", chapters="x", kills="y")(lambda ref: None)


def spin() -> None:
    while True:
        pass


def test_a_case_that_spins_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(AssertionError, match=r"did not end within 0\.2 s"), casetime.limit(0.2):
        spin()
    assert time.monotonic() - began < 5


def test_a_case_that_spins_inside_a_callback_of_its_loop_is_ended() -> None:
    async def case() -> None:
        asyncio.get_running_loop().call_soon(spin)
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="did not end"), casetime.limit(0.2):
        casetime.run(case, {})


def test_a_traceback_names_the_targets_lines_without_showing_them() -> None:
    def test_case() -> None:
        json.loads("{")

    try:
        test_case()
    except ValueError as error:
        text = tracebacks.rendered(error)

    assert 'json.loads("{")' in text
    assert "decoder.py" in text
    assert "raise JSONDecodeError" not in text
    assert text.rstrip().endswith("(char 1)")
