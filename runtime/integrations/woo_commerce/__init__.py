"""WooCommerce: products, orders and customers."""
