{{ totals_of_level(1, ['totals_counties', 'totals_prefectures']) }}
