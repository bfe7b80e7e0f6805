"""The desk's addresses, and those of what is said beside a request; part of approvals.urls."""

from django.urls import path

from approvals import desk_views, remark_views

patterns = [
    path("desk/", desk_views.desk, name="desk"),
    path("desk/<uuid:request_id>/take/", desk_views.take, name="desk_take"),
    path("desk/<uuid:request_id>/put-back/", desk_views.put_back, name="desk_put_back"),
    path("desk/<uuid:request_id>/wait/", desk_views.wait, name="desk_wait"),
    path("desk/<uuid:request_id>/go-on/", desk_views.go_on, name="desk_go_on"),
    path("desk/<uuid:request_id>/priority/", desk_views.priority, name="desk_priority"),
    path("desk/<uuid:request_id>/due/", desk_views.due, name="desk_due"),
    path("desk/<uuid:request_id>/team/", desk_views.team, name="desk_team"),
    path("inbox/<uuid:request_id>/remarks/", remark_views.remarks, name="remarks"),
    path("inbox/<uuid:request_id>/ask/", remark_views.ask, name="ask"),
    path("inbox/<uuid:request_id>/note/", remark_views.note, name="note"),
]
