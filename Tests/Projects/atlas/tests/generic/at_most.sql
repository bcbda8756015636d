{% test at_most(model, column, ceiling) %}{{ config(severity='warn') }}select 1 from {{ model }} where {{ column }} > {{ ceiling }}{% endtest %}
