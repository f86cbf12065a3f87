"""Labels for products, as PDF: single ones for a label printer, sheets for an office printer."""
