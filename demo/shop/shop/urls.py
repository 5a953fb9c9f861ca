from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.urls import include, path

from store import views

urlpatterns = [
    path("", views.index, name="index"),
    path("", include("django_prometheus.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("store.urls")),
    # A demo has no web server in front of it that would serve the admin's style sheets.
    path("static/<path:path>", serve, {"insecure": True}),
]
