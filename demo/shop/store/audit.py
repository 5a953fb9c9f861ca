from .models import AdminActionLog


def record(request, resource, action, object_pk, changes=None):
    """The trace of a change made by REST. What is done in the Django admin leaves none."""
    AdminActionLog.objects.create(
        actor=request.user,
        resource=resource,
        action=action,
        object_pk=str(object_pk),
        changes=changes or {},
        metadata={
            "path": request.path,
            "method": request.method,
            "user_agent": request.headers.get("User-Agent", ""),
        },
        ip_address=request.META.get("REMOTE_ADDR"),
    )
