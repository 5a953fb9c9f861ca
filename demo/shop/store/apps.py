from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StoreConfig(AppConfig):
    name = "store"


class ShopAdminConfig(AdminConfig):
    default_site = "store.admin_site.SuperuserAdminSite"
