{#- Whole hours between two timestamps; another warehouse overrides it by a macro of its own prefix. -#}
{% macro hours_between(earlier, later) -%}
  {{ return(adapter.dispatch('hours_between', 'harbor')(earlier, later)) }}
{%- endmacro %}

{% macro default__hours_between(earlier, later) -%}
  {{ dbt.datediff(earlier, later, 'hour') }}
{%- endmacro %}

{% macro postgres__hours_between(earlier, later) -%}
  floor(extract(epoch from ({{ later }} - {{ earlier }})) / 3600)::integer
{%- endmacro %}

{% macro tonnes_to_teu(column, digits=1) -%}
  round({{ column }} / {{ var('teu_tonnes') }}, {{ digits }})
{%- endmacro %}
