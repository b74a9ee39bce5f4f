{# The statutory form and its identities, read from the seeds' own files while compiling: the SQL of
   the wide models follows them without a copy, in unit tests too. #}
{% macro seed_file(name) -%}
  '{{ env_var('GONGKAI_SQL') }}/seeds/{{ name }}.csv'
{%- endmacro %}

{% macro form_cells(form) %}
  {% if not execute %}{{ return([]) }}{% endif %}
  {% set rows = run_query(
    "select cell from read_csv(" ~ seed_file('statutory_form') ~ ", all_varchar = true, header = true)"
    ~ " where form = '" ~ form ~ "' order by position::int") %}
  {{ return(rows.columns[0].values()) }}
{% endmacro %}

{# Every cell of either form: the value columns of a reading. #}
{% macro value_columns() %}
  {% if not execute %}{{ return([]) }}{% endif %}
  {% set rows = run_query(
    "select cell from read_csv(" ~ seed_file('statutory_form') ~ ", all_varchar = true, header = true)"
    ~ " group by cell order by min((form, position::int))") %}
  {{ return(rows.columns[0].values()) }}
{% endmacro %}

{# [{rule, identity, plus: [cells], minus: [cells]}]: Σ plus = Σ minus. #}
{% macro form_identities(form) %}
  {% if not execute %}{{ return([]) }}{% endif %}
  {% set rows = run_query(
    "select rule, identity, cell, coefficient from read_csv(" ~ seed_file('identities')
    ~ ", all_varchar = true, header = true) where form = '" ~ form ~ "'") %}
  {% set found = {} %}
  {% for row in rows %}
    {% if row[3] not in ('1', '-1') %}
      {{ exceptions.raise_compiler_error("identities.csv: coefficient " ~ row[3] ~ " in " ~ row[1]) }}
    {% endif %}
    {% set identity = found.setdefault(row[1], {'rule': row[0], 'identity': row[1], 'plus': [], 'minus': []}) %}
    {% do identity['plus' if row[3] == '1' else 'minus'].append(row[2]) %}
  {% endfor %}
  {{ return(found.values() | list) }}
{% endmacro %}

{# Sums over cells: of those that are known, of all (null when one is blank), and how many are blank. #}
{% macro sum_known(cells) -%}
  ({% for c in cells %}coalesce("{{ c }}", 0){{ " + " if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro sum_all(cells) -%}
  ({% for c in cells %}"{{ c }}"{{ " + " if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro count_blank(cells) -%}
  ({% for c in cells %}("{{ c }}" is null)::int{{ " + " if not loop.last }}{% endfor %})
{%- endmacro %}

{# The value of the cell that a column names, out of a wide row. #}
{% macro value_of(cell) -%}
  case {{ cell }} {%- for c in value_columns() %} when '{{ c }}' then "{{ c }}" {%- endfor %} end
{%- endmacro %}

{# The wide rows turned into one row per cell: the form's cells in order beside their values and the
   lists that hold what was published. `only` narrows to some reports before they are widened, which
   is what makes a check on a few reports cheap. Use as a relation: from {{ '{{ long_cells(…) }}' }}. #}
{% macro long_cells(only=none, published=true) -%}
(
    {%- for form in ['2019', '2021'] %}
    {%- set cells = form_cells(form) %}
    select
        report_id,
        form,
        unnest(['{{ cells | join("', '") }}']) as cell,
        unnest(range(1, {{ cells | length + 1 }}))::smallint as position,
        {%- if published %}
        unnest(as_published) as as_published,
        unnest(status) as status,
        unnest(place) as place,
        unnest(forced_by) as forced_by,
        {%- endif %}
        unnest([{% for c in cells %}"{{ c }}"{{ ", " if not loop.last }}{% endfor %}]) as value
    from {{ ref('stg_report_values') }}
    where form = '{{ form }}'{% if only %} and report_id in ({{ only }}){% endif %}
    {{ "union all" if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}
