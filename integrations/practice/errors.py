from integrations.errors import EdgeError


class NotAtThePracticeCompany(EdgeError):
    """This person may look at the practice company, not work in it; the sentence says why."""

    code = "NOT_ALLOWED"
    status = 403


class NoSuchThing(EdgeError):
    code = "NOT_FOUND"
    status = 404
