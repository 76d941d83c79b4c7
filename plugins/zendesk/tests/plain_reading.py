"""The contract of the story read plainly, written again here from the raw acts."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
MESSAGING = {"native_messaging", "whatsapp"}
CHANNELS = {"email": "email", "web": "web", "closed_ticket": "web", "chat": "chat", "phone_call_inbound": "voice"}
FOREVER = float("inf")


def seconds(text):
    """Read ISO 8601 as Unix seconds."""
    return int(datetime.fromisoformat(text).timestamp())


def berlin(at):
    """Give the wall clock in Berlin."""
    return datetime.fromtimestamp(at, UTC).astimezone(BERLIN)


def calendar_days_later(at, days):
    """Give the same wall-clock time in Berlin some days later."""
    return int((berlin(at).replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=BERLIN).timestamp())


def says(text):
    """Tell thanks and greetings from everything else, for texts as clear-cut as those of the story."""
    plain = text.lower().strip(" !.")
    if not plain:
        return "empty"
    if plain in {"hi there", "hello", "hallo"}:
        return "greeting"
    thanking = plain.startswith(("thank", "danke", "vielen dank", "merci", "muchas gracias"))
    doubting = "?" in text or any(word in plain.replace(",", "").split() for word in ("but", "aber", "mais", "pero"))
    return "thanks" if thanking and not doubting and len(plain.split()) <= 12 else "other"


class Desk:
    """What a reader of the exports has seen of the account, read at one instant after the other."""

    def __init__(self, plan, terms):
        self.plan, self.terms = plan, terms
        self.line = sorted(plan.acts, key=lambda act: act.at)
        self.done, self.cut, self.known = 0, 0, 0
        self.openings, self.openers, self.facts = {}, {}, defaultdict(list)
        self.state = {}
        self.versions, self.listed = defaultdict(list), defaultdict(list)
        self.follow_ups = defaultdict(list)

    def read(self, now):
        """Read everything the exports show at an instant: the newest minute is withheld, old comments are as of now."""
        self.cut, self.known = now - 60, now - 3600
        for user in self.plan.users:
            if user.created_at <= now:
                changes = [change for change in user.changes if change[0] <= now]
                role = [change["role"] for _, change in changes if "role" in change]
                version = (max([user.created_at, *(at for at, _ in changes)]), role[-1] if role else user.role)
                if version not in self.versions[user.id]:
                    self.versions[user.id].append(version)
        flips = Counter((act.ticket, act.privacy) for act in self.line if act.privacy is not None and act.at <= now)
        while self.done < len(self.line) and self.line[self.done].at <= self.cut:
            self.note(self.line[self.done], flips)
            self.done += 1
        escalated = {act.ticket for act in self.line if act.escalate and act.at <= now}
        last = {act.ticket: act.at for act in self.line if act.at <= now}
        for key, (_, opening) in self.openings.items():
            if opening.ai_agent and key not in escalated and last[key] <= self.cut:
                self.listed[key].append(last[key])

    def note(self, act, flips):
        """Take down what one event shows."""
        key, found = act.ticket, self.facts[act.ticket]
        state = self.state.setdefault(key, {"status": None, "group": None, "assignee": None, "tags": set()})
        state["says"] = None

        def fact(kind, actor=None, **values):
            found.append({"kind": kind, "at": act.at, "actor": actor, **values})

        opening = act.opening
        if opening is not None:
            self.openings[key] = (act.at, opening)
            self.openers[key] = act.author
            if opening.follow_up_of is not None:
                self.follow_ups[opening.follow_up_of].append(act.at)
            state |= {"status": opening.status, "group": opening.group, "assignee": opening.assignee}
            if opening.status == "solved":
                fact("solved", act.author)
            self.tag(fact, state, opening.tags, ())
        author = act.author if act.comment_author is None else act.comment_author
        if act.comment is not None and not (act.rating or act.merge_into):
            public = act.public != (flips[key, act.at] % 2 == 1)
            word = says(act.comment)
            fact("call" if act.voice else "message", author, public=public, says=word, via=act.via)
            side = author == self.openings[key][1].requester or self.role(author, act.at) == "end-user"
            state["says"] = word if public and side else None
        if act.chat_ended:
            fact("call", author)
        self.change(fact, state, act.author, act)
        if act.unassign:
            fact("assigned", act.author, who=None)
            state["assignee"] = None
        for name, value in act.fields:
            fact("field", act.author, name=name, value=value)
        score = {"good": 5, "bad": 1}.get(act.rating, act.survey)
        if score is not None:
            fact("rated", act.author, score=score)
        if act.merge_into is not None:
            fact("merged", act.author, into=act.merge_into)
            state["status"] = "closed"
        if act.spam:
            fact("spam", act.author)
        if act.spam or act.delete:
            fact("deleted", act.author)
        if act.undelete:
            fact("undeleted", act.author)
        for effect in act.effects:
            self.change(fact, state, None, effect)

    def change(self, fact, state, actor, part):
        """Take down changed status, assignee, group and tags; `actor` is None for a rule."""
        if part.status is not None and part.status != state["status"]:
            if part.status == "solved":
                fact("solved", actor)
            elif part.status == "closed":
                fact("closed", actor)
            elif state["status"] == "solved" and part.status in {"new", "open", "pending", "hold"}:
                fact("reopened", actor, says=state["says"])
            state["status"] = part.status
        if part.assignee is not None and part.assignee != state["assignee"]:
            fact("assigned", actor, who=part.assignee)
            state["assignee"] = part.assignee
        if part.group is not None and part.group != state["group"]:
            fact("grouped", actor, old=state["group"], new=part.group)
            state["group"] = part.group
        self.tag(fact, state, part.add_tags, part.remove_tags)

    def tag(self, fact, state, add, drop):
        """Take down new tags."""
        for name in sorted(set(add) - state["tags"]):
            fact("tagged", tag=name)
        state["tags"] = (state["tags"] | set(add)) - set(drop)

    def role(self, user, at):
        """Give the role of a user at an instant; by the oldest version read, where none is that old."""
        known = sorted(self.versions.get(user, ()))
        return next((role for since, role in reversed(known) if since <= at), known[0][1] if known else None)

    def judge(self, key):
        """Give (status, clause, end of the window) by the first clause that fails, else by what is not yet known."""
        reading = Reading(self, key)
        later = []
        for clause, value, *guard in reading.clauses():
            if value is False:
                return "unverifiable" if guard else "rejected", clause, None
            if value is not True and value > self.known:
                later.append((value, clause))
        if later:
            longest = max(until for until, _ in later)
            return "pending", next(clause for until, clause in later if until == longest), None
        return "verified", "", reading.window_end


class Reading:
    """What a reader with pencil and paper finds of one ticket."""

    def __init__(self, desk, key):
        self.desk, self.key, self.terms = desk, key, desk.terms
        self.opened, self.opening = desk.openings[key]
        self.facts = desk.facts[key]
        solved = self.of("solved")
        self.first_solve = solved[0] if solved else None
        self.resolved = solved[0]["at"] if solved else None
        limit = FOREVER if self.resolved is None else self.resolved
        bot = int(self.terms["vendor"]["identities"]["support"][0])
        answers = [
            fact["at"]
            for fact in self.of("message", "call")
            if fact["actor"] == bot and fact["at"] <= limit
            if fact["kind"] == "call" or (fact["public"] and fact["says"] == "other")
        ]
        self.bot, self.answers = bot, answers
        self.with_ = self.terms["outcomes"]["resolved"]["with"]
        self.window_end = FOREVER
        if self.resolved is not None:
            self.window_end = calendar_days_later(self.resolved, self.with_["reopen_days"])
        channel = "messaging" if self.opening.channel in MESSAGING else CHANNELS.get(self.opening.channel, "other")
        self.silence_end = max(answers) + self.with_["silence_hours"][channel] * 3600 if answers else None
        self.settled = max(self.window_end, self.silence_end or 0)

    def of(self, *kinds):
        """Give the facts of some kinds, oldest first."""
        return [fact for fact in self.facts if fact["kind"] in kinds]

    def early(self, *kinds):
        """Give the facts of some kinds before everything was settled."""
        return [fact for fact in self.of(*kinds) if fact["at"] < self.settled]

    def human(self, user, at):
        """Tell whether a user was a person of the desk, and neither in copy nor one who asked for himself."""
        himself = self.opening.requester if self.desk.openers[self.key] == self.opening.requester else None
        if user is None or user in {self.bot, himself, *self.opening.cc}:
            return False
        return self.desk.role(user, at) in {"agent", "admin"}

    def copied(self, fact):
        """Tell whether an agent in copy spoke to the customer."""
        spoke = fact["kind"] == "call" or (fact["kind"] == "message" and fact["public"])
        staff = self.desk.role(fact["actor"], fact["at"]) in {"agent", "admin"}
        return spoke and staff and fact["actor"] in self.opening.cc and fact["actor"] != self.bot

    def clauses(self):
        """Yield the clauses in order: whether they hold, or the instant up to which they cannot be known."""
        with_, tags = self.with_, {fact["tag"] for fact in self.early("tagged")}
        excluded = self.early("spam") or tags & set(with_["spam_and_test_exclusions"])
        yield "genuine", False if excluded else self.settled
        yield "not_merged", False if self.early("merged") else self.settled
        gone = self.early("deleted") and not self.of("undeleted")
        yield "not_deleted", False if gone else self.settled, "guard"
        acts = self.early("message", "call", "solved", "assigned")
        known = all(
            fact["actor"] is None or fact["actor"] in self.desk.versions for fact in acts if fact["actor"] != -1
        )
        known = known and not any(self.copied(fact) for fact in acts)
        yield "actors_known", self.settled if known else False, "guard"
        seats = {int(seat) for seat in with_["shared_seats"]}
        shared = [fact for fact in self.early("message", "call", "solved") if fact["actor"] in seats]
        yield "seats_apart", False if shared else self.settled, "guard"
        yield "answered", bool(self.answers) if self.resolved is not None else FOREVER
        paid = {fact["tag"] for fact in self.early("tagged")} & set(with_["billable_handoffs"])
        yield from ((name, True if paid else value) for name, value in self.handoffs())
        shut = bool(self.of("closed", "deleted"))
        yield "resolved", True if self.resolved is not None else False if shut else FOREVER
        yield "confirmed", self.confirmed()
        scores = [fact["score"] for fact in self.early("rated")]
        yield "satisfied", False if scores and min(scores) < with_["csat_threshold"] else self.settled
        yield "not_returned", self.window_end if not self.returns() else False

    def handoffs(self):
        """Yield the clauses that a billable handoff excuses."""
        with_ = self.with_
        asked = {fact["tag"] for fact in self.early("tagged")} & set(with_["escalation_tags"])
        fields = [
            f for f in self.early("field") if f["name"] in with_["escalation_fields"] and f["value"] not in {None, ""}
        ]
        listed = self.desk.listed[self.key]
        messaging = self.opening.channel in MESSAGING
        taken = messaging and listed and self.resolved is not None and max(listed) < self.resolved
        yield "no_request", False if asked or fields or taken else self.settled
        given = [
            fact
            for fact in self.early("assigned")
            if fact["at"] != self.resolved and self.human(fact["who"], fact["at"])
        ]
        ai = {int(group) for group in with_["ai_groups"]}
        moved = [fact for fact in self.early("grouped") if fact["old"] in ai and fact["new"] not in ai]
        yield "no_assignment", False if given or moved else self.settled
        spoke = [
            fact
            for fact in self.early("message", "call")
            if (fact["kind"] == "call" or fact["public"]) and self.human(fact["actor"], fact["at"])
        ]
        yield "no_human_reply", False if spoke else self.settled
        first = self.first_solve
        yield "no_human_solve", not self.human(first["actor"], first["at"]) if first else FOREVER

    def confirmed(self):
        """Tell whether the customer was content or silent."""
        if not self.answers or self.resolved is None:
            return FOREVER
        asked = [
            fact["at"]
            for fact in self.of("message")
            if fact["public"] and fact["at"] > max(self.answers) and fact["says"] != "thanks" and self.customer(fact)
        ]
        inside = [fact for fact in self.facts if min(self.answers) <= fact["at"] < self.window_end]
        content = [
            fact["at"]
            for fact in inside
            if (fact["kind"] == "rated" and fact["score"] >= self.with_["csat_threshold"] and self.customer(fact))
            or (
                fact["kind"] == "message"
                and fact["public"]
                and fact["says"] == "thanks"
                and fact["actor"] == self.opening.requester
                and fact["via"] != "api"
            )
        ]
        open_ones = [at for at in asked if at < self.window_end]
        if content and (not open_ones or max(content) > max(open_ones)):
            return True
        left_alone = any(at <= self.resolved for at in asked)
        return False if left_alone or (asked and min(asked) < self.silence_end) else self.silence_end

    def customer(self, fact):
        """Tell whether the customer's side acted."""
        requester = fact["actor"] == self.opening.requester
        return requester or self.desk.role(fact["actor"], fact["at"]) == "end-user"

    def returns(self):
        """Give the returns inside the window."""
        if self.resolved is None:
            return []
        again = [f for f in self.of("reopened") if f["at"] >= self.resolved]
        back = [f["at"] for f in again if f["says"] != "thanks"]
        thanked = min((f["at"] for f in again if f["says"] == "thanks"), default=FOREVER)
        back += [
            f["at"]
            for f in self.of("message")
            if f["public"] and f["at"] > thanked and f["says"] != "thanks" and self.customer(f)
        ]
        return [at for at in back + self.desk.follow_ups[self.key] if at < self.window_end]


class Units:
    """Which tickets are one unit."""

    def __init__(self, desk):
        self.parent = {key: key for key in desk.openings}
        days = {}
        for key, (at, opening) in sorted(desk.openings.items()):
            self.join(key, days.setdefault((opening.requester, berlin(at).date()), key))
            if opening.follow_up_of in self.parent:
                self.join(key, opening.follow_up_of)
            for fact in desk.facts[key]:
                if fact["kind"] == "merged":
                    self.join(key, fact["into"])

    def of(self, key):
        """Give the name of a ticket's unit."""
        while self.parent[key] != key:
            key = self.parent[key]
        return key

    def join(self, one, other):
        """Make two tickets one unit."""
        self.parent[self.of(one)] = self.of(other)


def decide(desk, claims, stage):
    """Give (status, clause, end of the window) of each claim and each found ticket at a stage, by subject."""
    term = int(datetime(2026, 9, 15, tzinfo=BERLIN).timestamp())
    units, owners, keepers, verdicts = Units(desk), {}, {}, {}
    for claim in claims:
        key, made, subject = int(claim["ref"]), seconds(claim["claimed_at"]), f"claim:{claim['claim_id']}"
        if made > stage:
            continue
        if key not in desk.openings:
            verdicts[subject] = ("pending" if desk.known <= made else "rejected", "no_such_record", None)
            continue
        if key in owners:
            verdicts[subject] = ("rejected", "duplicate", None)
            continue
        owners[key] = subject
        verdict = desk.judge(key) if desk.openings[key][0] >= term else ("rejected", "term", None)
        keeper = keepers.get(units.of(key))
        if keeper and verdict[0] == "verified":
            verdict = ("rejected" if verdicts[keeper][0] == "verified" else "pending", "duplicate", None)
        elif verdict[0] in {"verified", "pending"}:
            keepers.setdefault(units.of(key), subject)
        verdicts[subject] = verdict
    for key, (at, _) in sorted(desk.openings.items()):
        if key not in owners and at >= term and units.of(key) not in keepers:
            verdict = desk.judge(key)
            if verdict[0] == "verified":
                keepers[units.of(key)] = f"found:resolved:{key}"
                verdicts[keepers[units.of(key)]] = verdict
    return verdicts
