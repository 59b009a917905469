"""What things use and what that costs: the meter, prices, charges."""
