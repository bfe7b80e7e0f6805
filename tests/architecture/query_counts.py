"""How many questions each list asks the database, however long the list is. Measured; a page that needs more says so here."""

# As an admin who sees everything, in a browser.
PAGES = {
    "/": 32,
    "/inbox/": 27,
    "/desk/": 14,
    "/subjects/": 12,
    "/runs/": 13,
    "/agents/": 15,
    "/providers/": 14,
    "/events/": 15,
    "/sources/": 13,
    "/connections/": 11,
    "/policy/": 14,
    "/policy/versions/": 13,
    "/people/": 20,
    "/audit/": 19,
    "/notices/": 12,
    "/halts/": 13,
    "/profile/": 18,
    "/profile/notifications/": 13,
    "/deliveries/": 12,
    "/reviewers/": 16,
    "/standing/": 11,
}

# With a token of the same person.
CALLS = {
    "/api/v1/runs/": 6,
    "/api/v1/requests/": 10,
    "/api/v1/events/": 4,
    "/api/v1/versions/": 4,
    "/api/v1/agents/": 4,
    "/api/v1/teams/": 4,
    "/api/v1/groups/": 6,
    "/api/v1/providers/": 3,
    "/api/v1/connections/": 4,
    "/api/v1/tools/": 4,
    "/api/v1/sources/": 4,
    "/api/v1/triggers/": 4,
    "/api/v1/policy/": 3,
    "/api/v1/people/": 8,
    "/api/v1/audit/": 4,
    "/api/v1/halts/": 3,
    "/api/v1/labels/": 4,
}
