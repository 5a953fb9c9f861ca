from django.contrib.admin import AdminSite


class SuperuserAdminSite(AdminSite):
    """Staff can log in here but are sent back to the login page: only superusers may see anything."""

    site_header = "Demo shop"

    def has_permission(self, request):
        return request.user.is_active and request.user.is_superuser
