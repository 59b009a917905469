"""Steps that are carried out together: what each gives is its own, and what fails fails alone."""

import threading
from datetime import timedelta

import pytest

from headrace.core.errors import SystemFault, UserError
from headrace.engine.errors import StepFailed, StepTimedOut
from headrace.engine.graph import Company, Step

from .conftest import step

ON_ONE_MACHINE = pytest.mark.parametrize("store_url", [None])


class Together:
    """A company that takes notes of who was carried out with whom."""

    def __init__(self, chosen=lambda names: names, failing=()):
        self.asked, self.ran, self.alone = [], [], []
        self._chosen, self._failing = chosen, list(failing)
        self.company = Company(self.choose, self.run)

    def choose(self, contexts):
        self.asked.append(list(contexts))
        return self._chosen(list(contexts))

    def run(self, contexts):
        self.ran.append(list(contexts))
        for context in contexts.values():
            context.report(1, 2, "rows")
        if self._failing:
            raise self._failing.pop(0)
        return {name: self._output(context) for name, context in contexts.items()}

    def step(self, name, *inputs, fails=False, fingerprint=""):
        def alone(context):
            self.alone.append(name)
            if fails:
                raise UserError(f"{name} is wrong.", remedy="Mend it.")
            return self._output(context)

        return Step(name, fingerprint or f"f {name}", inputs, alone, self.company)

    def _output(self, context):
        return {"name": context.step_name, "of": sorted(context.inputs)}


def test_what_is_ready_is_carried_out_together_and_ends_each_as_itself(bench, notes):
    together = Together()
    graph = [step("a"), *(together.step(name, "a") for name in "bcd"), step("e", "b", "d")]
    result = bench.execute(*graph, observers=(notes,))
    assert (together.ran, together.alone) == ([["b", "c", "d"]], [])
    assert {name: result.outputs[name] for name in "bcd"} == {name: {"name": name, "of": ["a"]} for name in "bcd"}
    assert result.ran == tuple("abcde")
    assert [name for word, name in notes.said[2:5] if word == "started"] == ["b", "c", "d"]
    assert [each[0] for each in notes.reports] == ["b", "c", "d"]
    assert all(notes.ends[name].seconds > 0 for name in "bcd")


@ON_ONE_MACHINE
def test_what_is_known_of_one_is_not_carried_out_again_for_the_others(bench):
    together = Together()
    bench.execute(*(together.step(name) for name in "abc"))
    bench.execute(together.step("a"), together.step("b", fingerprint="other"), together.step("c", fingerprint="another"))
    again = bench.execute(together.step("a"), together.step("b"), together.step("c", fingerprint="new"))
    assert together.ran == [["a", "b", "c"], ["b", "c"]]
    assert (together.alone, again.ran) == (["c"], ("c",))


@ON_ONE_MACHINE
def test_a_company_is_carried_out_as_it_chooses(bench):
    together = Together(lambda names: names[:2])
    bench.execute(*(together.step(name) for name in "abcde"), together.step("f", fingerprint="f a"))
    assert sorted(together.ran) == [["a", "b"], ["c", "d"]]
    assert together.alone == ["e"]
    assert together.asked == [["a", "b", "c", "d", "e"], ["c", "d", "e"]]


def test_one_that_fails_keeps_no_other_from_being_done(bench):
    together = Together(failing=[UserError("b is wrong.", remedy="Mend it.")])
    with pytest.raises(StepFailed) as failed:
        bench.execute(*(together.step(name, fails=name == "b") for name in "abc"), run_id="r")
    assert (together.ran, together.alone) == ([["a", "b", "c"]], ["a", "b", "c"])
    assert set(failed.value.failures) == {"b"}
    assert set(bench.memo.kept) == {"f a", "f c"}
    assert bench.execute(*(together.step(name) for name in "abc"), run_id="r").ran == ("b",)


@ON_ONE_MACHINE
def test_a_fault_that_passes_is_met_together_and_one_that_stays_is_everybodys(bench):
    passing = [SystemFault("the store is away.", remedy="Wait.") for _ in range(4)]
    together = Together(failing=passing[:1])
    assert bench.execute(*(together.step(name) for name in "ab")).ran == ("a", "b")
    assert (together.ran, together.alone) == ([["a", "b"]] * 2, [])
    together = Together(failing=passing[1:])
    with pytest.raises(StepFailed) as failed:
        bench.execute(*(together.step(name) for name in "cd"))
    assert (together.ran, together.alone) == ([["c", "d"]] * 3, [])
    assert failed.value.failures == {"c": passing[3], "d": passing[3]}


@ON_ONE_MACHINE
def test_a_company_over_its_time_has_failed_all_of_it(bench):
    over = threading.Event()
    company = Company(lambda contexts: contexts, lambda contexts: {name: {"late": over.wait(20)} for name in contexts})
    with pytest.raises(StepFailed) as failed:
        bench.execute(*(Step(name, name, (), lambda context: {}, company) for name in "ab"), step_timeout=timedelta(seconds=0.05))
    over.set()
    assert {name: type(error) for name, error in failed.value.failures.items()} == {"a": StepTimedOut, "b": StepTimedOut}
    assert not bench.memo.kept
