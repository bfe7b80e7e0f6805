"""The addresses of the audit trail: reading, verifying, taking it away, checkpoints, erasure."""

from django.urls import path

from approvals import audit_views, erasure_views

patterns = [
    path("audit/", audit_views.audit, name="audit"),
    path("audit/export/", audit_views.audit_export, name="audit_export"),
    path("audit/export/sealed/", audit_views.audit_export_sealed, name="audit_export_sealed"),
    path("audit/verify/", audit_views.audit_verify, name="audit_verify"),
    path("audit/verifier/", audit_views.audit_verifier, name="audit_verifier"),
    path("audit/keys/", audit_views.audit_keys, name="audit_keys"),
    path("audit/checkpoints/", audit_views.audit_checkpoints, name="audit_checkpoints"),
    path("audit/checkpoints/<int:number>/", audit_views.audit_checkpoint, name="audit_checkpoint"),
    path("audit/erasure/", erasure_views.erasure, name="audit_erasure"),
    path("audit/erasure/erase/", erasure_views.erase, name="audit_erase"),
    path("audit/holds/", erasure_views.hold, name="audit_hold"),
    path("audit/holds/<uuid:hold_id>/lift/", erasure_views.lift, name="audit_lift"),
]
