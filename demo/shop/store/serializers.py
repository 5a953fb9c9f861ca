from rest_framework import serializers
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer

from .models import AdminActionLog, Order, OrderItem, OrderStatusEvent, Product, Supplier, User


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "email", "first_name", "last_name", "role", "is_staff"]


class LoginSerializer(TokenObtainPairSerializer):
    def validate(self, attrs):
        return {**super().validate(attrs), "user": UserSerializer(self.user).data}


class RegisterSerializer(serializers.ModelSerializer):
    password = serializers.CharField(min_length=6, write_only=True)

    class Meta:
        model = User
        fields = ["email", "password", "first_name", "last_name"]

    def create(self, validated):
        return User.objects.create_user(**validated)


class SupplierSerializer(serializers.ModelSerializer):
    class Meta:
        model = Supplier
        fields = [
            "id",
            "name",
            "contact_email",
            "active",
            "markup_type",
            "markup_value",
            "external_id",
            "last_synced_at",
        ]


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = ["id", "title", "slug", "description", "base_price", "sku", "supplier", "category", "active"]
        # Without this the pair (sku, supplier) would make the supplier required.
        validators = []


class OrderItemSerializer(serializers.ModelSerializer):
    class Meta:
        model = OrderItem
        fields = ["id", "product", "unit_price", "quantity", "variant_info"]


class OrderStatusEventSerializer(serializers.ModelSerializer):
    class Meta:
        model = OrderStatusEvent
        fields = ["id", "status", "note", "created_at"]


class OrderSerializer(serializers.ModelSerializer):
    """Shows neither the payments nor the ids that suppliers gave to the order."""

    items = OrderItemSerializer(many=True, read_only=True)
    events = OrderStatusEventSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = [
            "id",
            "user",
            "status",
            "payment_status",
            "total_amount",
            "discount_amount",
            "shipping_method",
            "tracking_number",
            "estimated_delivery_at",
            "placed_at",
            "items",
            "events",
        ]
        read_only_fields = ["user", "total_amount", "discount_amount", "placed_at"]


class AdminActionLogSerializer(serializers.ModelSerializer):
    actor_email = serializers.CharField(source="actor.email", default=None)

    class Meta:
        model = AdminActionLog
        fields = [
            "id",
            "resource",
            "action",
            "object_pk",
            "status",
            "actor_email",
            "metadata",
            "changes",
            "ip_address",
            "created_at",
        ]
