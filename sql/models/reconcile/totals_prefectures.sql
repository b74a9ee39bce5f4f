{{ totals_of_level(2, ['totals_counties']) }}
