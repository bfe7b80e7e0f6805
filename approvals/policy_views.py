"""The policy: reading it, editing a draft of it, trying it on a call, saving it, going back to an earlier version."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals.database_clock import database_now
from approvals.errors import ApprovalError, BadArguments
from approvals.models import PolicyVersion
from approvals.people import Signer, signer
from approvals.policy.constrain import constrain_document
from approvals.policy.difference import changes, difference
from approvals.policy.explain import explain
from approvals.policy.rules import RuleError, rule_sentence
from approvals.policy.widening import widens
from approvals.policy_changes import check_groups, return_to, save_policy
from approvals.policy_drafts import Draft, discard, draft_of, keep_note, note_of, put_rule, remove_rule
from approvals.policy_explain_views import seen_by
from approvals.policy_forms import BadConstrain, RuleForm, SampleForm, rule_initial
from approvals.policy_offers import as_uuid, offered_rule
from approvals.policy_pages import (
    changes_in,
    check_condition,
    known_tools,
    last_change,
    open_policy_proposals,
    rule_rows,
    version_rules,
)
from approvals.policy_pins import KINDS, pin_rows, posted_rows, read_rows
from approvals.policy_replay_pages import replay_page, replay_sentences
from approvals.policy_rights import check_can_change, refusal_to_change
from approvals.policy_tools import all_arguments, registered, tools_about, words_for
from approvals.policy_versions import ActivePolicy, active_policy
from approvals.ports import KnownTool, PastAction, actions
from approvals.replays import latest_replay
from config.step_up import stepped_up
from config.web import page_or_fragment, see_other, signed_in

PAGE = "approvals/policy.html"
PER_PAGE = 30


@require_GET
def policy(request: HttpRequest) -> HttpResponse:
    """The rules in force, or the person's draft of them; `?rule=` opens one, `?new=1` an empty one."""
    active, draft = _both(request)
    number = _number(request.GET.get("rule", ""), draft)
    form = RuleForm() if "new" in request.GET else _form_of(draft, number)
    return render(request, PAGE, _context(request, active, draft, number=number, form=form))


@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: HttpRequest) -> HttpResponse:
    """A new rule for what one request asked (`?request=`), to be changed and kept; POST keeps one rule in the draft."""
    if request.method == "POST":
        return _rule_put(request)
    active, draft = _both(request)
    asked = offered_rule(signed_in(request).user, request.GET.get("request", ""), draft.rules)
    form = RuleForm(initial=asked.initial)
    context = _context(request, active, draft, form=form, constrain=asked.constrain, past=asked.past)
    return render(request, PAGE, context | {"offered": asked})


def _rule_put(request: HttpRequest) -> HttpResponse:
    """Keep one rule in the draft; nothing is in force by this."""
    check_can_change(signed_in(request).user)
    active, draft = _both(request)
    number = _posted(request, draft)
    form = RuleForm(request.POST)
    if "show_arguments" in request.POST:
        return render(request, PAGE, _context(request, active, draft, number=number, form=form))
    rule_id = _kept(request, draft, number, form)
    if not rule_id:
        return render(request, PAGE, _context(request, active, draft, number=number, form=form), status=422)
    changed = draft_of(request.session, active)
    return _to_rule(changed.number_of(rule_id))


@require_POST
def rule_remove(request: HttpRequest) -> HttpResponse:
    """Take one rule out of the draft."""
    check_can_change(signed_in(request).user)
    active, draft = _both(request)
    remove_rule(request.session, draft, _posted(request, draft))
    return see_other("approvals:policy")


@require_POST
def draft_discard(request: HttpRequest) -> HttpResponse:
    discard(request.session)
    messages.info(request, "The draft is discarded; nothing in force has changed.")
    return see_other("approvals:policy")


@require_POST
def condition(request: HttpRequest) -> HttpResponse:
    """A condition while it is typed: its error at the character, or how it reads."""
    tools = tools_about(request.POST.get("tool", ""), registered())
    checked = check_condition(request.POST.get("when", "")[:2000], tools)
    return render(request, f"{PAGE}#check", {"checked": checked})


@require_POST
def arguments(request: HttpRequest) -> HttpResponse:
    """What a rule about the tool that was just chosen may speak of: its arguments, and a row for each that carries power."""
    known = registered()
    return render(request, f"{PAGE}#arguments", _about_tool(request.POST.get("tool", ""), request.POST, {}, known))


@require_POST
def attempt(request: HttpRequest) -> HttpResponse:
    """Try the rules on a call that a person made up. Changes nothing."""
    active, draft = _both(request)
    number = _posted(request, draft)
    past = _past_sample(request)
    sample = SampleForm() if past else SampleForm(request.POST)
    found: dict[str, Any] = {"sample": sample}
    action = past.proposed if past else sample.action() if sample.is_valid() else None
    if action is not None:
        today = database_now().date()
        found["explained"] = explain(action, draft.rules, today=today)
        found["in_force"] = explain(action, active.rules, today=today)
    context = _context(request, active, draft, number=number, form=_form_of(draft, number), past=past) | found
    return page_or_fragment(request, PAGE, context, fragment="try", status=200 if action is not None else 422)


def _past_sample(request: HttpRequest) -> PastAction | None:
    """Return the past action that was chosen to be judged again, None where a call was typed."""
    chosen = request.POST.get("action", "")
    if not chosen:
        return None
    past = seen_by(signer(signed_in(request).user), as_uuid(chosen))
    if past.proposed is None or past.unknown:
        raise BadArguments(
            "Not all of what the policy was told about this action was kept, so it cannot be judged again."
        )
    return past


def save(request: HttpRequest) -> HttpResponse:
    """What the draft changes and what becomes freer; POST puts it in force or asks a second person."""
    person = signed_in(request).user
    check_can_change(person)
    active, draft = _both(request)
    if not draft.kept or not changes_in(draft, active):
        return see_other("approvals:policy")
    wider = widens(active.rules, draft.rules)
    if request.method != "POST":
        context = _save_context(active, draft, wider) | {"note": note_of(request.session)}
        return render(request, "approvals/policy_save.html", context)
    if wider and draft.base == active.number and not stepped_up(request):
        keep_note(request.session, request.POST.get("note", ""))
        return _sign_in_again(reverse("approvals:policy_save"))
    return _saved(request, active, draft, wider)


@require_GET
def versions(request: HttpRequest) -> HttpResponse:
    """Every version there was, newest first."""
    rows = PolicyVersion.objects.order_by("-number").defer("rules")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "now": timezone.now(), "proposals": open_policy_proposals()}
    return render(request, "approvals/policy_versions.html", context)


@require_GET
def version(request: HttpRequest, number: int) -> HttpResponse:
    """One version, how it differs from the one before and from the one in force."""
    row = get_object_or_404(PolicyVersion, number=number)
    rules, active = version_rules(row), active_policy()
    before = PolicyVersion.objects.filter(number__lt=number).order_by("-number").first()
    context = {
        "version": row,
        "rows": rule_rows(rules, rules),
        "active": active,
        "since": changes(version_rules(before), rules) if before else [],
        "before": before,
        "until": changes(active.rules, rules),
        "refusal": refusal_to_change(signed_in(request).user),
    }
    return render(request, "approvals/policy_version.html", context)


@require_POST
def version_return(request: HttpRequest, number: int) -> HttpResponse:
    """Put an earlier version's rules in force again, or ask a second person where they are freer."""
    person = signed_in(request).user
    check_can_change(person)
    row = PolicyVersion.objects.filter(number=number).first()
    if row is None:
        raise Http404
    if widens(active_policy().rules, version_rules(row)) and not stepped_up(request):
        return _sign_in_again(reverse("approvals:policy_version", args=[number]))
    saved = return_to(number=number, user=person)
    if saved.request is not None:
        messages.info(request, "This lets agents do more, so a second admin signs it. It waits in the inbox.")
        return see_other("approvals:request", saved.request.pk)
    messages.success(request, f"The rules of v{number} are in force again, as v{saved.number}.")
    return see_other("approvals:policy")


def _both(request: HttpRequest) -> tuple[ActivePolicy, Draft]:
    active = active_policy()
    try:
        return active, draft_of(request.session, active)
    except RuleError:
        # the draft was kept by an earlier release, whose rules were other ones
        discard(request.session)
        return active, draft_of(request.session, active)


def _kept(request: HttpRequest, draft: Draft, number: int, form: RuleForm) -> str:
    """Return the id of the rule that is now in the draft, or "" with the form's errors set."""
    if not form.is_valid():
        return ""
    try:
        rows = posted_rows(request.POST, all_arguments(tools_about(form.cleaned_data["tool"], registered())))
        document = form.document()
        return put_rule(
            request.session, draft, number, {**document, "constrain": document["constrain"] | read_rows(rows)}
        )
    except BadConstrain as error:
        form.add_error("constrain", str(error))
    except RuleError as error:
        form.mark(error)
    return ""


def _saved(request: HttpRequest, active: ActivePolicy, draft: Draft, wider: list[str]) -> HttpResponse:
    note = request.POST.get("note", "")
    try:
        saved = save_policy(rules=draft.rules, base=draft.base, user=signed_in(request).user, note=note)
    except BadArguments as refusal:
        return _not_saved(request, active, draft, wider, refusal)
    discard(request.session)
    if saved.request is not None:
        messages.info(request, "This lets agents do more, so a second admin signs it. It waits in the inbox.")
        return see_other("approvals:request", saved.request.pk)
    messages.success(request, f"Policy v{saved.number} is in force.")
    return see_other("approvals:policy")


def _not_saved(
    request: HttpRequest, active: ActivePolicy, draft: Draft, wider: list[str], refusal: ApprovalError
) -> HttpResponse:
    context = _save_context(active, draft, wider) | {"problem": refusal.message, "note": request.POST.get("note", "")}
    return render(request, "approvals/policy_save.html", context, status=refusal.status)


def _save_context(active: ActivePolicy, draft: Draft, wider: list[str]) -> dict[str, Any]:
    return {
        "active": active,
        "draft": draft,
        "stale": draft.base != active.number,
        "lines": difference(active.rules, draft.rules),
        "changes": changes(active.rules, draft.rules),
        "found": replay_sentences(latest_replay(draft.rules, draft.base)),
        "wider": wider,
        "problem": _group_problem(draft),
    }


def _group_problem(draft: Draft) -> str:
    try:
        check_groups(draft.rules)
    except BadArguments as refusal:
        return refusal.message
    return ""


def _context(
    request: HttpRequest,
    active: ActivePolicy,
    draft: Draft,
    *,
    number: int = 0,
    form: RuleForm | None = None,
    constrain: Mapping[str, Any] | None = None,
    past: PastAction | None = None,
) -> dict[str, Any]:
    rule = draft.rules[number - 1] if number else None
    who, known = signer(signed_in(request).user), registered()
    held = constrain if constrain is not None else constrain_document(rule.constrain) if rule else {}
    pattern = str(form["tool"].value() or "") if form else ""
    posted = request.POST if form is not None and form.is_bound else None
    about = _about_tool(pattern, posted, held, known)
    checked = check_condition(str(form["when"].value() or ""), about["about_tools"]) if form else None
    return {
        "active": active,
        "draft": draft,
        "changes": changes_in(draft, active) if draft.kept else 0,
        "stale": draft.kept and draft.base != active.number,
        "rows": rule_rows(draft.rules, active.rules),
        "number": number,
        "rule": rule,
        "sentence": rule_sentence(rule) if rule and posted is None else "",
        "last_change": last_change(rule) if rule else None,
        "form": form,
        "checked": checked,
        "tools": known_tools(draft.rules, known),
        "refusal": refusal_to_change(who.user),
        "proposals": open_policy_proposals(),
        "sample": SampleForm(initial={"tool": pattern} if pattern and "*" not in pattern else None),
        "samples": _samples(who, pattern),
        "past": past,
        "replayed": replay_page(latest_replay(draft.rules, draft.base)) if draft.kept and who.is_admin else None,
        "can_start": draft.kept and who.is_admin and draft.base == active.number,
        "now": timezone.now(),
        **about,
    }


def _about_tool(
    pattern: str, posted: QueryDict | None, held: Mapping[str, Any], known: Sequence[KnownTool]
) -> dict[str, Any]:
    """Return what the editors say of the tools that the pattern means."""
    tools = tools_about(pattern, known) if pattern else {}
    listed = all_arguments(tools)
    return {
        "about_tools": tools,
        "arguments": listed,
        "words": words_for(listed),
        "pins": posted_rows(posted, listed) if posted is not None else pin_rows(held, listed),
        "pin_kinds": KINDS,
    }


def _samples(who: Signer, pattern: str) -> Sequence[PastAction]:
    """Return past actions to judge again: the latest of the rule's tool, or of all where it is a pattern."""
    tool = "" if "*" in pattern else pattern
    found = actions().latest_past(tool=tool, teams=None if who.sees_all else who.team_ids, limit=15)
    return [past for past in found if past.proposed is not None and not past.unknown]


def _form_of(draft: Draft, number: int) -> RuleForm | None:
    return RuleForm(initial=rule_initial(draft.rules[number - 1])) if number else None


def _number(text: str, draft: Draft) -> int:
    """Return the number of an existing rule, 0 for none."""
    number = int(text) if text.isdecimal() and len(text) < 6 else 0
    return number if number <= len(draft.rules) else 0


def _posted(request: HttpRequest, draft: Draft) -> int:
    """Return the number of the rule that the form is about, 0 for a new one. By id: numbers move under other tabs."""
    rule_id = request.POST.get("rule", "")
    number = draft.number_of(rule_id) if rule_id else 0
    if rule_id and not number:
        raise BadArguments("That rule is no longer in the draft. Open the policy again.")
    return number


def _to_rule(number: int) -> HttpResponse:
    response = redirect(f"{reverse('approvals:policy')}?{urlencode({'rule': number})}")
    response.status_code = 303
    return response


def _sign_in_again(back: str) -> HttpResponse:
    return see_other(f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}")
