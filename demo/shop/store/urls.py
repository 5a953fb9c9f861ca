from django.urls import path
from rest_framework.routers import SimpleRouter
from rest_framework_simplejwt.views import TokenRefreshView

from . import admin_views, views

router = SimpleRouter()
router.register("admin/suppliers", admin_views.SupplierViewSet, basename="admin-suppliers")
router.register("admin/orders", admin_views.OrderViewSet, basename="admin-orders")
router.register("admin/products", admin_views.ProductViewSet, basename="admin-products")
router.register("admin/logs", admin_views.AdminActionLogViewSet, basename="admin-logs")

urlpatterns = [
    path("health/", views.health, name="health"),
    path("auth/login/", views.LoginView.as_view(), name="login"),
    path("auth/register/", views.RegisterView.as_view(), name="register"),
    path("auth/me/", views.MeView.as_view(), name="me"),
    path("token/refresh/", TokenRefreshView.as_view(), name="token-refresh"),
    path("payments/webhook/", views.PaymentsWebhookView.as_view(), name="payments-webhook"),
    path("cart/", views.CartView.as_view(), name="cart"),
    path("checkout/", views.CheckoutView.as_view(), name="checkout"),
    path("order-tracking/", views.OrderTrackingView.as_view(), name="order-tracking"),
    path("admin/payments/<int:pk>/refund/", admin_views.PaymentRefundView.as_view(), name="admin-payments-refund"),
    *router.urls,
]
