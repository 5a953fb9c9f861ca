"""The tables of the shop. Names of tables and columns are what runbooks read, so they do not change lightly."""

from decimal import Decimal

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models


class UserManager(BaseUserManager):
    def create_user(self, email, password=None, **fields):
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        fields = {"role": User.Role.ADMIN, "is_staff": True, "is_superuser": True, **fields}
        return self.create_user(email, password, **fields)


class User(AbstractUser):
    class Role(models.TextChoices):
        ADMIN = "admin"
        STAFF = "staff"
        CUSTOMER = "customer"
        VENDOR = "vendor"

    username = None
    email = models.EmailField(unique=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.CUSTOMER)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
    objects = UserManager()

    def has_role(self, *roles):
        return self.is_superuser or self.role in roles


class Address(models.Model):
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    address_line1 = models.CharField(max_length=200)
    city = models.CharField(max_length=100)
    state = models.CharField(max_length=100, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2)


class Category(models.Model):
    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(unique=True)

    class Meta:
        verbose_name_plural = "categories"

    def __str__(self):
        return self.name


class Supplier(models.Model):
    class Markup(models.TextChoices):
        FIXED = "fixed"
        PERCENT = "percent"

    name = models.CharField(max_length=100, unique=True)
    contact_email = models.EmailField(blank=True)
    # Secret. No API shows it, and the bot's database role may not read it.
    api_credentials = models.JSONField(default=dict, blank=True)
    active = models.BooleanField(default=True)
    external_id = models.CharField(max_length=100, blank=True)
    last_synced_at = models.DateTimeField(null=True, blank=True)
    markup_type = models.CharField(max_length=10, choices=Markup.choices, default=Markup.PERCENT)
    markup_value = models.DecimalField(max_digits=8, decimal_places=2, default=0)

    def __str__(self):
        return self.name

    def selling_price(self, cost):
        cost = Decimal(str(cost))
        if self.markup_type == self.Markup.FIXED:
            return (cost + self.markup_value).quantize(Decimal("0.01"))
        return (cost * (1 + self.markup_value / 100)).quantize(Decimal("0.01"))


class Product(models.Model):
    title = models.CharField(max_length=200)
    slug = models.SlugField(max_length=220)
    description = models.TextField(blank=True)
    base_price = models.DecimalField(max_digits=10, decimal_places=2)
    sku = models.CharField(max_length=60)
    supplier = models.ForeignKey(Supplier, null=True, blank=True, on_delete=models.SET_NULL, related_name="products")
    category = models.ForeignKey(Category, on_delete=models.PROTECT)
    active = models.BooleanField(default=True)
    is_deleted = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sku", "supplier"], name="product_sku_of_supplier")]

    def __str__(self):
        return f"{self.sku} {self.title}"


class Inventory(models.Model):
    product = models.OneToOneField(Product, on_delete=models.CASCADE, related_name="inventory")
    quantity = models.IntegerField(default=0)
    safety_stock = models.IntegerField(default=0)
    stocked_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "inventory"


class Coupon(models.Model):
    code = models.CharField(max_length=40, unique=True)
    percent = models.DecimalField(max_digits=5, decimal_places=2)


class Order(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending"
        PAID = "paid"
        PROCESSING = "processing"
        SHIPPED = "shipped"
        DELIVERED = "delivered"
        CANCELLED = "cancelled"
        REFUNDED = "refunded"

    class PaymentStatus(models.TextChoices):
        PENDING = "pending"
        AUTHORIZED = "authorized"
        PAID = "paid"
        FAILED = "failed"
        REFUNDED = "refunded"

    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    payment_status = models.CharField(max_length=20, choices=PaymentStatus.choices, default=PaymentStatus.PENDING)
    total_amount = models.DecimalField(max_digits=10, decimal_places=2)
    discount_amount = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    coupon = models.ForeignKey(Coupon, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    referral_coupon = models.ForeignKey(Coupon, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    shipping_address = models.ForeignKey(Address, null=True, on_delete=models.PROTECT, related_name="+")
    billing_address = models.ForeignKey(Address, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    shipping_method = models.CharField(max_length=40, default="standard")
    tracking_number = models.CharField(max_length=100, blank=True)
    estimated_delivery_at = models.DateTimeField(null=True, blank=True)
    placed_at = models.DateTimeField()
    # {supplier name: the id that the supplier gave to the order}
    supplier_order_ids = models.JSONField(default=dict, blank=True)

    def __str__(self):
        return f"order {self.pk}"


class OrderItem(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="items")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)
    quantity = models.PositiveIntegerField()
    variant_info = models.JSONField(default=dict, blank=True)


class OrderStatusEvent(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    status = models.CharField(max_length=20, choices=Order.Status.choices)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()


class Payment(models.Model):
    class Provider(models.TextChoices):
        STRIPE = "stripe"
        PAYPAL = "paypal"
        ESEWA = "esewa"
        KHALTI = "khalti"
        COD = "cod"
        OTHER = "other"

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        REFUNDED = "refunded"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="payments")
    provider = models.CharField(max_length=20, choices=Provider.choices)
    # Not unique: providers repeat it on redelivery.
    provider_payment_id = models.CharField(max_length=100, blank=True)
    # In the provider's currency. eSewa is paid in NPR while orders are in USD.
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    raw_response = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()


class Notification(models.Model):
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    order = models.ForeignKey(Order, null=True, on_delete=models.CASCADE)
    kind = models.CharField(max_length=40)
    payload = models.JSONField(default=dict, blank=True)
    read = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)


class AdminActionLog(models.Model):
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    resource = models.CharField(max_length=60)
    action = models.CharField(max_length=60)
    object_pk = models.CharField(max_length=60, blank=True)
    changes = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=20, default="success")
    ip_address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
