"""Categories by what people call them, and by what a driver complains of: «троит» → plugs, coils, leads."""
