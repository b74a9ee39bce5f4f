{# One row per combination: the grain of a table. #}
{% test grain(model, columns) %}
select {{ columns | join(', ') }}, count(*) as rows_found
from {{ model }}
group by all
having count(*) > 1
{% endtest %}
