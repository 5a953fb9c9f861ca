"""What staff may call under /api/admin/."""

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ModelViewSet

from . import audit, tasks
from .models import AdminActionLog, Order, OrderStatusEvent, Payment, Product, Supplier
from .permissions import IsAdmin, IsStaff, IsStaffOrVendor
from .serializers import AdminActionLogSerializer, OrderSerializer, ProductSerializer, SupplierSerializer


class AuditedViewSet(ModelViewSet):
    resource = None

    def perform_create(self, serializer):
        audit.record(self.request, self.resource, "create", serializer.save().pk, dict(self.request.data))

    def perform_update(self, serializer):
        audit.record(self.request, self.resource, "update", serializer.save().pk, dict(self.request.data))

    def perform_destroy(self, instance):
        pk = instance.pk
        instance.delete()
        audit.record(self.request, self.resource, "delete", pk)


class SupplierViewSet(AuditedViewSet):
    resource = "supplier"
    permission_classes = [IsAdmin]
    queryset = Supplier.objects.order_by("pk")
    serializer_class = SupplierSerializer

    @action(detail=True, methods=["post"])
    def sync(self, request, pk=None):
        supplier = self.get_object()
        # Set before the task has even begun, so this time proves nothing.
        supplier.last_synced_at = timezone.now()
        supplier.save(update_fields=["last_synced_at"])
        tasks.sync_supplier_products.delay(supplier.pk)
        audit.record(request, "supplier", "sync", supplier.pk)
        synced_at = supplier.last_synced_at.isoformat().replace("+00:00", "Z")
        return Response({"ok": True, "supplier_id": supplier.pk, "last_synced_at": synced_at})


class OrderViewSet(AuditedViewSet):
    resource = "order"
    permission_classes = [IsStaff]
    serializer_class = OrderSerializer
    http_method_names = ["get", "patch", "delete", "post", "head", "options"]

    def get_queryset(self):
        orders = Order.objects.order_by("-placed_at", "-pk").prefetch_related("items", "events")
        asked = self.request.query_params
        for parameter, field in {
            "status": "status",
            "payment_status": "payment_status",
            "user": "user_id",
            "start_date": "placed_at__date__gte",
            "end_date": "placed_at__date__lte",
            "q": "user__email__icontains",
        }.items():
            if asked.get(parameter):
                orders = orders.filter(**{field: asked[parameter]})
        return orders

    def create(self, request):
        return self.http_method_not_allowed(request)

    def perform_update(self, serializer):
        # Touches no payment and forwards nothing, whatever the new status is.
        before = serializer.instance.status
        super().perform_update(serializer)
        order = serializer.instance
        if order.status != before:
            OrderStatusEvent.objects.create(
                order=order, status=order.status, note="Updated by admin", created_at=timezone.now()
            )

    @action(detail=True, methods=["post"])
    def refund(self, request, pk=None):
        order = self.get_object()
        payment = order.payments.filter(status=Payment.Status.SUCCEEDED).first()
        if payment is None:
            return Response({"detail": "No successful payment to refund."}, status=400)
        with transaction.atomic():
            payment.status = Payment.Status.REFUNDED
            payment.save(update_fields=["status"])
            order.status = Order.Status.REFUNDED
            order.payment_status = Order.PaymentStatus.REFUNDED
            order.save(update_fields=["status", "payment_status"])
            OrderStatusEvent.objects.create(
                order=order, status=order.status, note="Refunded by admin", created_at=timezone.now()
            )
            audit.record(request, "order", "refund", order.pk)
        return Response(OrderSerializer(order).data)


class PaymentRefundView(APIView):
    """Can be repeated, and a part of the amount still marks all of it as refunded."""

    permission_classes = [IsStaff]

    def post(self, request, pk):
        payment = get_object_or_404(Payment, pk=pk)
        if payment.provider in ("other", "paypal"):
            raise RuntimeError(f"provider {payment.provider} cannot refund")
        payment.status = Payment.Status.REFUNDED
        payment.save(update_fields=["status"])
        payment.order.status = Order.Status.REFUNDED
        payment.order.save(update_fields=["status"])
        audit.record(request, "payment", "refund", payment.pk)
        state = "pending" if payment.provider == "cod" else "refunded"
        reference = f"{payment.provider}_ref_{payment.pk}"
        return Response({"ok": True, "refund": {"status": state, "reference": reference}})


class ProductViewSet(AuditedViewSet):
    """A new product gets no stock row, so it cannot be bought."""

    resource = "product"
    permission_classes = [IsStaffOrVendor]
    queryset = Product.objects.order_by("pk")
    serializer_class = ProductSerializer


class AdminActionLogViewSet(ListModelMixin, GenericViewSet):
    permission_classes = [IsStaff]
    serializer_class = AdminActionLogSerializer

    def get_queryset(self):
        rows = AdminActionLog.objects.order_by("-pk").select_related("actor")
        asked = self.request.query_params
        for parameter, field in {"resource": "resource", "actor": "actor__email", "status": "status"}.items():
            if asked.get(parameter):
                rows = rows.filter(**{field: asked[parameter]})
        return rows
