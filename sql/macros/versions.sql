{# Of the versions of a place or a unit, from from_year to to_year, the one of a report year: in force
   that year, else in the year after (when the report was written), else the nearest. #}
{% macro version_of_year(of, year, version) -%}
qualify row_number() over (
    partition by {{ of }}, {{ year }}
    order by
        case
            when {{ year }} between from_year and to_year then 0
            when {{ year }} + 1 between from_year and to_year then 1
            else 2
        end,
        least(abs({{ year }} - from_year), abs({{ year }} - to_year)),
        {{ version }} desc
) = 1
{%- endmacro %}
