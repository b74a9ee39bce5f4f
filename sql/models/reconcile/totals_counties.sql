{{ totals_of_level(3) }}
