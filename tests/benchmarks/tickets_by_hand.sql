WITH roles AS (
  SELECT id, role, CASE WHEN lag(version) OVER w IS NULL THEN -9e18::BIGINT ELSE as_of END AS since,
         coalesce(lead(as_of) OVER w, 9223372036854775807) AS until
  FROM actor_all WHERE NOT deleted WINDOW w AS (PARTITION BY id ORDER BY version)),
e AS (
  SELECT t.id AS tid, t.requester_id, coalesce(t.cc_ids, '') AS cc_ids, t.channel AS tchannel, v.*, a.role AS role,
         g.role AS assignee_role, coalesce(v.actor_id = '000001', false) AS bot,
         a.role IN ('agent', 'admin') AND v.actor_id <> '000001' AND v.actor_id <> t.requester_id
           AND NOT contains(' ' || coalesce(t.cc_ids, '') || ' ', ' ' || v.actor_id || ' ') AS person,
         min(CASE WHEN v.kind = 'solved' THEN v."at" END) OVER (PARTITION BY v.ticket_id) AS resolved_at
  FROM ticket_event v JOIN ticket t ON t.id = v.ticket_id
  LEFT JOIN roles a ON a.id = v.actor_id AND v."at" >= a.since AND v."at" < a.until
  LEFT JOIN roles g ON g.id = v.assignee_id AND v."at" >= g.since AND v."at" < g.until),
one AS (
  SELECT tid, any_value(resolved_at) AS resolved_at, any_value(tchannel) AS tchannel,
    min("at") FILTER (WHERE (kind = 'message' AND public OR kind = 'privacy' AND value = 'public' OR kind = 'call')
      AND person) AS reply_at,
    min("at") FILTER (WHERE kind = 'assigned' AND assignee_role IN ('agent', 'admin') AND assignee_id <> '000001'
      AND coalesce("at" <> resolved_at, true) OR kind = 'grouped' AND previous = 'g1' AND group_id <> 'g1') AS given_at,
    min("at") FILTER (WHERE kind = 'solved' AND "by" = 'user' AND "at" = resolved_at AND person) AS human_solved_at,
    min("at") FILTER (WHERE kind = 'tagged' AND value = 'escalated') AS requested_at,
    min("at") FILTER (WHERE (kind IN ('macro', 'side_conversation') OR kind = 'message' AND NOT public) AND person) AS note_at,
    count(*) FILTER (WHERE kind = 'ai_agent') AS listed, max("at") FILTER (WHERE kind = 'ai_agent') AS listed_at,
    min("at") FILTER (WHERE bot AND (kind = 'call' OR kind = 'message' AND public AND says = 'other')) AS first_answer_at,
    max("at") FILTER (WHERE bot AND (kind = 'call' OR kind = 'message' AND public AND says = 'other')
      AND "at" <= resolved_at) AS answered_at,
    min("at") FILTER (WHERE kind = 'reopened' AND "at" >= resolved_at AND coalesce(says <> 'thanks', true)) AS reopened_at,
    min("at") FILTER (WHERE kind = 'reopened' AND "at" >= resolved_at AND says = 'thanks') AS thanked_at,
    count(*) FILTER (WHERE kind = 'reopened') AS reopens, max("at") FILTER (WHERE kind = 'deleted') AS deletion_at,
    min(other_ticket_id) FILTER (WHERE kind = 'merged') AS went_into
  FROM e GROUP BY tid),
two AS (
  SELECT *, resolved_at + 604800000000 AS window_end,
    answered_at + CASE tchannel WHEN 'messaging' THEN 24 ELSE 72 END * 3600000000 AS silence_end,
    greatest(resolved_at + 604800000000,
             answered_at + CASE tchannel WHEN 'messaging' THEN 24 ELSE 72 END * 3600000000) AS settled_at FROM one),
three AS (
  SELECT e.tid,
    min("at") FILTER (WHERE kind = 'message' AND public AND (actor_id = requester_id OR role = 'end-user') AND NOT bot
      AND coalesce(says <> 'thanks', true) AND "at" > answered_at) AS asked_again_at,
    max("at") FILTER (WHERE kind = 'message' AND public AND (actor_id = requester_id OR role = 'end-user') AND NOT bot
      AND coalesce(says <> 'thanks', true) AND "at" > answered_at AND "at" <= two.resolved_at) AS open_question_at,
    max("at") FILTER (WHERE kind = 'message' AND public AND (actor_id = requester_id OR role = 'end-user') AND NOT bot
      AND coalesce(says <> 'thanks', true) AND "at" > answered_at AND "at" < window_end) AS last_question_at,
    min("at") FILTER (WHERE kind = 'message' AND public AND (actor_id = requester_id OR role = 'end-user') AND NOT bot
      AND coalesce(says <> 'thanks', true) AND "at" > thanked_at) AS wrote_again_at,
    max("at") FILTER (WHERE (kind = 'rated' AND score >= 3 AND NOT bot OR kind = 'message' AND public
      AND actor_id = requester_id AND says = 'thanks' AND coalesce(channel <> 'api', true) AND NOT bot)
      AND "at" >= first_answer_at AND "at" < window_end) AS confirmed_at,
    min(score) FILTER (WHERE kind = 'rated' AND NOT bot AND coalesce("at" < settled_at, true)) AS lowest,
    count(*) FILTER (WHERE (kind = 'spam' OR kind = 'tagged' AND value = 'test') AND coalesce("at" < settled_at, true)) AS bad,
    count(*) FILTER (WHERE kind = 'tagged' AND value = 'returns' AND coalesce("at" < settled_at, true)) AS billable,
    min("at") FILTER (WHERE kind = 'merged' AND coalesce("at" < settled_at, true)) AS merged_at,
    count(*) FILTER (WHERE (kind IN ('message', 'call', 'solved', 'assigned') AND "by" = 'user' AND NOT bot
      AND actor_id IS NOT NULL AND role IS NULL OR kind = 'assigned' AND assignee_id IS NOT NULL
      AND assignee_role IS NULL OR kind = 'message' AND (public IS NULL OR says IS NULL)) AND coalesce("at" < settled_at, true)) AS strangers,
    count(*) FILTER (WHERE kind IN ('message', 'call', 'solved') AND actor_id = '000002'
      AND coalesce("at" < settled_at, true)) AS shared
  FROM e JOIN two ON two.tid = e.tid GROUP BY e.tid),
asked AS (SELECT object_id, min("at") AS field_at FROM change
  WHERE field = 'custom.36' AND "new" NOT IN ('null', '""', 'false') GROUP BY object_id),
carried AS (SELECT other_ticket_id, min("at") AS carried_on_at FROM ticket_event
  WHERE kind = 'created' AND other_ticket_id IS NOT NULL GROUP BY 1),
follow AS (SELECT follow_up_of, min(created_at) AS followed_at FROM ticket WHERE follow_up_of IS NOT NULL GROUP BY 1)
SELECT * FROM (SELECT t.id, two.*, three.* EXCLUDE (tid), field_at, followed_at, carried_on_at, CASE
    WHEN bad > 0 THEN 'genuine' WHEN merged_at < settled_at THEN 'merged' WHEN strangers > 0 THEN 'strangers'
    WHEN t.status = 'deleted' AND coalesce(deletion_at, t.updated_at) < settled_at THEN 'deleted'
    WHEN shared > 0 THEN 'shared' WHEN two.resolved_at IS NOT NULL AND answered_at IS NULL THEN 'unanswered'
    WHEN billable = 0 AND (least(requested_at, field_at) < settled_at OR requested_at < settled_at) THEN 'requested'
    WHEN billable = 0 AND given_at < settled_at THEN 'assigned' WHEN billable = 0 AND reply_at < settled_at THEN 'reply'
    WHEN billable = 0 AND human_solved_at IS NOT NULL THEN 'human' WHEN two.resolved_at IS NULL THEN 'open'
    WHEN (confirmed_at IS NULL OR confirmed_at <= last_question_at)
      AND (asked_again_at < silence_end OR open_question_at IS NOT NULL) THEN 'asked again' WHEN lowest < 3 THEN 'bad'
    WHEN least(reopened_at, wrote_again_at, followed_at, carried_on_at) < window_end THEN 'returned'
    WHEN t.reopens_reported > reopens THEN 'reopens' WHEN settled_at > NOW_IN_MICROSECONDS THEN 'pending' ELSE 'meets' END AS verdict
  FROM ticket t LEFT JOIN two ON two.tid = t.id LEFT JOIN three ON three.tid = t.id
  LEFT JOIN asked ON asked.object_id = t.id LEFT JOIN follow ON follow.follow_up_of = t.id
  LEFT JOIN carried ON carried.other_ticket_id = t.id)
WHERE verdict = 'meets'
