{# One row per combination: the grain of a table. #}
{% test grain(model, columns) %}
select {{ columns | join(', ') }}, count(*) as rows_found
from {{ model }}
group by all
having count(*) > 1
{% endtest %}

{# not_null for many columns in one pass. #}
{% test never_null(model, columns) %}
select *
from {{ model }}
where {% for c in columns %}{{ c }} is null{{ " or " if not loop.last }}{% endfor %}
{% endtest %}
