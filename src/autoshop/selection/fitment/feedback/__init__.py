"""What returns say by themselves: it did not fit; and for which car something is bought, so that they can."""
