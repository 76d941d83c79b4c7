"""Templates: what a parameter may be, what a preset sets, and what is said when something is wrong."""

from types import MappingProxyType

import pytest

from tallystick.errors import ContractError, Position
from tallystick.outcomes import ClauseSource, Param, PredicateSource, Template
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.outcomes.template import Preset, scalars
from tallystick.outcomes.ticket_facts import CHANNELS
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED

BOTS = {"bots": ["900"]}


MAPPED = ", or a mapping of channels to hours, each one of email"


def _param(kind, **more):
    return Param("given", kind, "What it is.", "Practice.", **more)


@pytest.mark.parametrize(
    ("param", "value", "read"),
    [
        (_param("list"), [], ()),
        (_param("list"), ("b", "a", "b"), ("b", "a")),
        (_param("list", choices=("a", "b")), ["b"], ("b",)),
        (_param("hours", choices=("email", "chat")), 5, {"email": 5, "chat": 5}),
        (_param("hours", choices=("email", "chat")), 0, {"email": 0, "chat": 0}),
        (
            _param("hours", choices=("email", "chat"), default={"email": 72, "chat": 1}),
            {"chat": 9},
            {"email": 72, "chat": 9},
        ),
        (_param("hours", choices=("email", "chat")), {"chat": 9}, {"chat": 9}),
        (_param("hours", choices=("email",), most=24), {"email": 24}, {"email": 24}),
        (_param("integer", least=1, most=5), 1, 1),
        (_param("integer", least=1, most=5), 5, 5),
        (_param("boolean"), False, False),
        (_param("text", choices=("a", "b")), "b", "b"),
        (_param("text"), " a ", " a "),
        (_param("field"), "topic_2", "topic_2"),
    ],
)
def test_a_parameter_is_read_by_its_kind(param, value, read):
    """Lists lose repetitions and keep their order; hours are filled by the default, or by one number for all."""
    assert param.read(value) == read


LISTED = "a list of texts without spaces around them"


@pytest.mark.parametrize(
    ("param", "value", "wanted"),
    [
        (_param("list"), "a", LISTED),
        (_param("list"), [""], LISTED),
        (_param("list"), ["a", 1], LISTED),
        (_param("list"), {"a": 1}, LISTED),
        (_param("list", choices=("a", "b")), ["a", "c"], f"{LISTED}, each one of a, b"),
        (_param("list"), ["a "], LISTED),
        (_param("hours", choices=("email",)), {"fax": 1}, f"whole hours from 0 to 3650{MAPPED}"),
        (_param("hours", choices=("email",), most=24), {"email": 25}, f"whole hours from 0 to 24{MAPPED}"),
        (_param("hours", choices=("email",), least=1), 0, f"whole hours from 1 to 3650{MAPPED}"),
        (_param("hours", choices=("email",)), {"email": True}, f"whole hours from 0 to 3650{MAPPED}"),
        (_param("hours", choices=("email",)), "1", f"whole hours from 0 to 3650{MAPPED}"),
        (_param("integer", least=1, most=5), 0, "a whole number from 1 to 5"),
        (_param("integer", least=1, most=5), 6, "a whole number from 1 to 5"),
        (_param("integer"), True, "a whole number from 0 to 3650"),
        (_param("boolean"), 1, "true or false"),
        (_param("boolean"), "true", "true or false"),
        (_param("text", choices=("a", "b")), "c", "one of a, b"),
        (_param("text"), "  ", "a text that is not empty"),
        (_param("text"), 1, "a text that is not empty"),
        (_param("field"), "Topic", "the name of a custom field: lower-case letters, digits and _"),
        (_param("field"), "", "the name of a custom field: lower-case letters, digits and _"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_says_what_is_possible(param, value, wanted):
    """What is not of the kind, no choice, or out of bounds is refused with all that is possible."""
    with pytest.raises(ValueError) as caught:
        param.read(value)

    assert str(caught.value) == wanted


def test_only_single_values_are_placeholders():
    """Lists and hours are built into the text; what stands for a placeholder is one value."""
    values = {"days": 3, "open": True, "who": "a", "bots": ("a",), "hours": {"email": 1}}

    assert scalars(values, "days", "open", "who", "bots", "hours") == {"days": 3, "open": True, "who": "a"}
    assert scalars(values, "days") == {"days": 3}


def _template(*params, presets=MappingProxyType({}), build=None):
    made = build or (lambda values: PredicateSource({}, {"paid": "captured"}, params=scalars(values, *values)))
    return Template("made", "payment", "For a test.", params, made, presets)


def _where(path):
    """Give a place for each path, to see which one an error names."""
    return Position(".".join(path), 1)


def test_a_template_without_presets_has_no_parameter_of_that_name():
    """Where there are no presets, `preset` is a parameter like any other, and nobody's."""
    with pytest.raises(ContractError) as caught:
        _template(_param("text", default="a")).values({"preset": "x"})
    assert caught.value.message == "made has no parameter preset"

    own = Param("preset", "text", "Its own.", "Practice.", "a", ("a", "b"))
    with pytest.raises(ContractError) as caught:
        _template(own).values({"preset": "b"})
    assert caught.value.message == "made has no preset 'b'"


def test_a_close_name_is_suggested():
    """An unknown parameter is answered with the one it looks like, else with all there are."""
    template = _template(_param("text", default="a"), Param("days", "integer", "How many.", "Practice.", 3))
    hints = []
    for name in ("day", "colour"):
        with pytest.raises(ContractError) as caught:
            template.values({name: 1})
        hints.append(caught.value.hint)

    assert hints == ["Did you mean days?", "made takes given, days."]


def test_what_is_missing_is_named():
    """A parameter without a default has to be given; one that is the vendor's identities says where else they stand."""
    with pytest.raises(ContractError) as caught:
        _template(_param("text")).values({})
    assert (caught.value.message, caught.value.hint) == ("made needs the parameter given", "What it is.")

    with pytest.raises(ContractError) as caught:
        _template(_param("list", vendors=True)).values({})
    assert caught.value.hint == "What it is. Or name them under vendor.identities."


def test_the_vendors_identities_are_a_default():
    """Identities count where the parameter is not given, for the parameters that are the vendor's alone."""
    template = _template(_param("list", vendors=True), Param("other", "list", "Others.", "Practice.", ()))

    assert template.values({}, vendors=["a", "b"]) == {"given": ("a", "b"), "other": ()}
    assert template.values({"given": ["c"]}, vendors=["a"]) == {"given": ("c",), "other": ()}
    assert template.values({"given": []}, vendors=["a"])["given"] == ()


def test_people_are_a_default():
    """What a contract says of a group of people counts where a parameter asks for it, and is kept under a preset."""
    asked = Param("roles", "list", "Roles.", "Practice.", ("nobody",), people=("closers", "role_in"))
    template = _template(asked, presets={"any": Preset("any", "Any.", {}, "1", "a page", "2026", "P")})
    people = {"closers": {"role_in": ["AE", "Lead"], "ids": ["1"]}}

    assert template.values({}, people=people) == {"roles": ("AE", "Lead")}
    assert template.values({"roles": ["Boss"]}, people=people) == {"roles": ("Boss",)}
    for nobody in ({}, {"closers": {}}, {"closers": {"role_in": []}}, {"others": people["closers"]}, None):
        assert template.values({}, people=nobody) == {"roles": ("nobody",)}
    assert template.as_preset("any", {"roles": ["Boss"]}) == {"preset": "any", "roles": ["Boss"]}


PRESETS = {"strict": Preset("strict", "Strict.", {"days": 9, "given": "b"}, "1", "a page", "2026", "P")}
PARAMS = (
    Param("days", "integer", "How many.", "Practice.", 3),
    Param("given", "text", "Which.", "Practice.", "a", ("a", "b", "c")),
    Param("who", "list", "Who.", "Practice.", vendors=True),
    Param("tag", "text", "The tag.", "Practice.", "t", account=True),
)


def test_a_preset_stands_between_the_given_and_the_default():
    """What a contract sets wins over the preset, and the preset over the default."""
    template = _template(*PARAMS, presets=PRESETS)

    assert template.values({"who": ["x"]}) == {"days": 3, "given": "a", "who": ("x",), "tag": "t"}
    assert template.values({"who": ["x"], "preset": "strict"}) == {"days": 9, "given": "b", "who": ("x",), "tag": "t"}
    assert template.values({"who": ["x"], "preset": "strict", "given": "c"})["given"] == "c"


@pytest.mark.parametrize("name", ["lax", "", 1, True, ("strict",)])
def test_an_unknown_preset_names_those_there_are(name):
    """A preset that there is none of is refused at its place, whatever kind of value it is."""
    with pytest.raises(ContractError) as caught:
        _template(*PARAMS, presets=PRESETS).values({"preset": name}, _where)

    assert caught.value.message == f"made has no preset {name!r}"
    assert caught.value.hint == "There are: strict."
    assert caught.value.where == _where(("with", "preset"))


def test_as_preset_keeps_the_account():
    """In place of what was agreed comes the preset; who acts and how the account is set up stays as it is."""
    template = _template(*PARAMS, presets=PRESETS)
    agreed = {"days": 5, "given": "c", "who": ["x"], "tag": "mine", "preset": "lax"}

    assert template.as_preset("strict", agreed) == {"preset": "strict", "who": ["x"], "tag": "mine"}
    assert template.values(template.as_preset("strict", agreed)) == {
        "days": 9, "given": "b", "who": ("x",), "tag": "mine",
    }  # fmt: skip
    assert template.as_preset("strict", {}) == {"preset": "strict"}
    with pytest.raises(ContractError, match="made has no preset 'lax'"):
        template.as_preset("lax", agreed)
    with pytest.raises(ContractError) as caught:
        _template(*PARAMS).as_preset("strict", {})
    assert caught.value.hint == "There are: none."


def test_a_wrong_parameter_stands_where_it_is_given():
    """An error names the place of its parameter, or of all of them where it is about none that is given."""
    template = _template(*PARAMS, presets=PRESETS)
    places = []
    for given in ({"who": [], "days": -1}, {"nothing": 1}, {}):
        with pytest.raises(ContractError) as caught:
            template.values(given, _where)
        places.append(caught.value.where)

    assert places == [_where(("with", "days")), _where(("with", "nothing")), _where(("with",))]


def test_the_value_and_what_it_is_for_are_said():
    """A wrong value is repeated beside what is possible, with what the parameter is as a hint."""
    with pytest.raises(ContractError) as caught:
        _template(*PARAMS).values({"who": "x"})

    assert caught.value.message == "who of made is a list of texts without spaces around them, not 'x'"
    assert caught.value.hint == "Who."
    assert caught.value.where is None


def test_a_custom_field_has_to_be_declared():
    """A field that no source declares is refused at its place, a default at that of all; none at all is fine."""
    template = _template(Param("topic", "field", "The topic.", "Practice.", "subject"))
    with pytest.raises(ContractError) as caught:
        template.source({"topic": "area"}, locate=_where)
    assert caught.value.message == "made reads the custom field area (topic), which no source declares"
    assert caught.value.hint == "Declare it in tallystick.yaml under custom. The topic."
    assert caught.value.where == _where(("with", "topic"))
    with pytest.raises(ContractError) as caught:
        template.source({}, custom={"payment": {"area": "text"}}, locate=_where)
    assert caught.value.where == _where(("with",))

    assert template.source({"topic": "area"}, custom={"payment": {"area": "text"}}).params == {"topic": "area"}
    assert _template(Param("topic", "field", "The topic.", "Practice.", "")).source({}).params == {"topic": ""}


def test_what_a_template_cannot_build_is_an_error_of_the_contract():
    """Parameters that do not go together are refused at their place, with the template's own words."""

    def build(values):
        raise ValueError("a and b exclude each other")

    with pytest.raises(ContractError) as caught:
        _template(build=build).source({}, locate=_where)

    assert caught.value.message == "made: a and b exclude each other"
    assert caught.value.where == _where(("with",))


def test_an_error_in_a_template_names_the_template():
    """A text of the template itself that is no condition is no error in the contract's file."""
    with pytest.raises(ContractError, match="template made: clauses paid"):
        _template(build=lambda _: PredicateSource({}, {"paid": "nothing > 1"})).predicate({})


HANDOFFS = {"no_request", "no_assignment", "no_human_reply", "no_human_solve"}
RESOLVED = {
    "defaults": ({}, {"not_merged", *HANDOFFS, "satisfied", "not_returned"}),
    "ignored": ({"merged_ticket_rule": "ignored", "handoff_voids": []}, {"satisfied", "not_returned"}),
    "note": (
        {"handoff_voids": ["internal_note"], "negative_feedback_voids": False, "merged_ticket_rule": "none_carries"},
        {"not_merged", "not_absorbing", "no_internal_note", "not_returned"},
    ),
    "none": (
        {"handoff_voids": ["requested"], "reopen_effect": "none", "shared_seats": ["1"]},
        {"not_merged", "no_request", "satisfied", "seats_apart"},
    ),
    "new_unit": (
        {"reopen_effect": "new_unit", "handoff_voids": ["assigned"]},
        {"not_merged", "no_assignment", "no_human_solve", "satisfied", "lasting"},
    ),
}
ALWAYS = {
    "genuine",
    "history_known",
    "not_deleted",
    "actors_known",
    "answered",
    "resolved",
    "confirmed",
    "reopens_agree",
}


@pytest.mark.parametrize("case", RESOLVED)
def test_clauses_are_there_for_what_was_agreed(case):
    """A ticket's clauses are those its parameters ask for, and always the same seven besides."""
    values, expected = RESOLVED[case]
    predicate = TICKET_RESOLVED.predicate({**BOTS, **values})

    assert {clause.name for clause in predicate.clauses} == ALWAYS | expected
    assert (predicate.quantity is not None) == (case == "new_unit")


@pytest.mark.parametrize(
    ("scope", "links", "key"),
    [
        ("conversation", ("carries_on", "went_into"), None),
        ("ticket", ("went_into",), None),
        ("requester_per_day", ("carries_on", "went_into"), "asked_by"),
    ],
)
def test_what_one_unit_is(scope, links, key):
    """The unit's links and key are facts of the predicate."""
    predicate = TICKET_RESOLVED.predicate({**BOTS, "unit_scope": scope})

    assert (predicate.unit.links, predicate.unit.key) == (links, key)
    assert {*links, *([key] if key else [])} <= set(predicate.fact)


@pytest.mark.parametrize("scope", ["same_requester_same_topic", "any_ticket"])
def test_a_return_may_be_another_ticket(scope):
    """Where a new ticket of the requester counts as a return, the topic is asked for only if it has to be the same."""
    given = {**BOTS, "reopen_scope": scope, "topic_field": "topic"}
    predicate = TICKET_RESOLVED.predicate(given, custom={"ticket": {"topic": "text"}})

    assert "came_back_at" in predicate.fact
    assert ("custom.topic" in predicate.fact["came_back_at"].text) == (scope == "same_requester_same_topic")
    if scope == "same_requester_same_topic":
        with pytest.raises(ContractError, match="needs topic_field"):
            TICKET_RESOLVED.source({**BOTS, "reopen_scope": scope})


@pytest.mark.parametrize("name", sorted(TICKET_RESOLVED.presets))
def test_presets_set_what_was_agreed_and_not_the_account(name):
    """A preset sets known parameters to possible values, none of the account's, and says what is not published."""
    preset = TICKET_RESOLVED.presets[name]
    known = {param.name: param for param in TICKET_RESOLVED.params}

    assert preset.name == name
    assert {*preset.values, *preset.unpublished} <= set(known)
    assert not [each for each in preset.values if known[each].account or known[each].vendors]
    values = TICKET_RESOLVED.values({**BOTS, "preset": name})
    assert set(values["silence_hours"]) == set(CHANNELS)
    assert TICKET_RESOLVED.source({**BOTS, "preset": name}) == TICKET_RESOLVED.source({**BOTS, **preset.values})


def test_hours_are_those_of_the_channel():
    """Hours of one channel leave the others at the template's default, and one number holds for all."""
    some = TICKET_RESOLVED.values({**BOTS, "silence_hours": {"email": 48}})["silence_hours"]
    every = TICKET_RESOLVED.values({**BOTS, "silence_hours": 12})["silence_hours"]

    assert (some["email"], some["messaging"], some["web"]) == (48, 24, 72)
    assert set(every.values()) == {12}


def test_no_texts_match_nothing():
    """An empty list becomes a condition that nothing meets, not one that cannot be read."""
    source = TICKET_RESOLVED.source({"bots": []})

    assert "in ('')" in source.facts["first_answer_at"]
    assert isinstance(source.clauses["genuine"], ClauseSource)


ROSTER = {"vendor_ids": ["v"], "account_executive_roles": ["AE"]}
ACCEPTED = {
    "acceptance_attributed",
    "acceptance_independent",
    "accepted_after_end",
    "accepted_by_executive",
    "accepted",
}
MEETINGS = {
    "defaults": (
        {},
        {"booked_by_vendor", "booked_before_end", "first_of_series", "not_self_logged", "account_known", *ACCEPTED},
    ),
    "bare": (
        {
            "acceptance": "none",
            "booked_by": "anyone",
            "recurring": "each",
            "one_per_account_days": 0,
            "accept_self_attested": True,
        },
        set(),
    ),
    "field": (
        {
            "acceptance": "contact_field",
            "acceptance_field": "sal",
            "duration_sources": ["crm_field"],
            "duration_field": "minutes",
            "on_silence": "escalate",
            "recurring": "each",
        },
        {
            "booked_by_vendor",
            "booked_before_end",
            "not_self_logged",
            "duration_written_later",
            "duration_independent",
            "duration_attributed",
            "account_known",
            "not_declined",
            "decline_attributed",
            *ACCEPTED,
        },
    ),
    "silent": (
        {
            "on_silence": "accept",
            "recurring": "each",
            "first_meeting_only": True,
            "existing_pipeline_exclusion_days": 9,
            "decision_maker_titles": ["vp"],
            "one_per_account_days": 0,
        },
        {
            "booked_by_vendor",
            "booked_before_end",
            "not_self_logged",
            "decision_maker_present",
            "account_known",
            "new_business",
            "first_meeting",
            "accepted",
        },
    ),
}
ANY_MEETING = {
    "history_known",
    "not_a_copy",
    "not_rescheduled",
    "not_rescheduled_later",
    "not_canceled",
    "not_canceled_later",
    "not_a_no_show",
    "calls_told_apart",
    "held",
    "buyer_present",
    "prospect_present",
}


@pytest.mark.parametrize("case", MEETINGS)
def test_clauses_of_a_meeting_are_those_agreed(case):
    """A meeting's clauses are those its parameters ask for, and always the same eleven besides."""
    values, expected = MEETINGS[case]
    predicate = QUALIFIED_MEETING.predicate({**ROSTER, **values}, custom={"meeting": {"minutes": "integer"}})

    assert {clause.name for clause in predicate.clauses} == ANY_MEETING | expected
    guards = {clause.name for clause in predicate.clauses if clause.guard}
    assert guards <= {
        "history_known",
        "booked_before_end",
        "not_rescheduled_later",
        "not_canceled_later",
        "calls_told_apart",
        "account_known",
        "acceptance_attributed",
        "decline_attributed",
    }
    assert predicate.quantity is None


def test_a_length_in_a_field_is_a_whole_number():
    """A field that was declared as something else than whole minutes is refused when the contract is read."""
    given = {**ROSTER, "duration_sources": ["crm_field"], "duration_field": "minutes"}
    with pytest.raises(ContractError, match="text and a whole number do not go together"):
        QUALIFIED_MEETING.predicate(given, custom={"meeting": {"minutes": "text"}})
