{{ totals_of_level(0, ['totals_counties', 'totals_prefectures', 'totals_provinces']) }}
