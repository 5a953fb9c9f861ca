from rest_framework.permissions import BasePermission


class HasRole(BasePermission):
    roles = ()

    def has_permission(self, request, view):
        return request.user.is_authenticated and request.user.has_role(*self.roles)


class IsAdmin(HasRole):
    roles = ("admin",)


class IsStaff(HasRole):
    roles = ("admin", "staff")


class IsStaffOrVendor(HasRole):
    roles = ("admin", "staff", "vendor")
