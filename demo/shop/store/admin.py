from django.contrib import admin

from . import tasks
from .models import AdminActionLog, Category, Inventory, Order, OrderItem, Payment, Product, Supplier, User


@admin.register(Supplier)
class SupplierAdmin(admin.ModelAdmin):
    list_display = ["name", "active", "last_synced_at"]
    # The credentials are not shown: a form would print them into a page.
    exclude = ["api_credentials"]
    actions = ["action_trigger_sync"]

    @admin.action(description="Trigger product sync")
    def action_trigger_sync(self, request, queryset):
        # No task id comes back and nothing is written down: only the message tells how many were triggered.
        count = 0
        for supplier in queryset:
            tasks.sync_supplier_products.delay(supplier.pk)
            count += 1
        self.message_user(request, f"Triggered sync for {count} supplier(s).")


class OrderItemInline(admin.TabularInline):
    model = OrderItem
    extra = 0
    raw_id_fields = ["product"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["id", "status", "payment_status", "total_amount", "placed_at", "supplier_order_ids"]
    list_filter = ["status", "payment_status"]
    search_fields = ["id", "user__email"]
    raw_id_fields = ["user", "shipping_address", "billing_address", "coupon", "referral_coupon"]
    inlines = [OrderItemInline]


@admin.register(Payment)
class PaymentAdmin(admin.ModelAdmin):
    list_display = ["id", "order", "provider", "provider_payment_id", "amount", "status"]
    search_fields = ["provider_payment_id"]
    raw_id_fields = ["order"]
    readonly_fields = ["created_at"]


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["sku", "title", "supplier", "base_price", "active"]
    search_fields = ["sku", "title"]


@admin.register(AdminActionLog)
class AdminActionLogAdmin(admin.ModelAdmin):
    list_display = ["created_at", "actor", "resource", "action", "object_pk", "status"]


admin.site.register([Category, Inventory, User])
