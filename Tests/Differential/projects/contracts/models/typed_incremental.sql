{{ config(materialized='incremental', unique_key='id', on_schema_change='append_new_columns') }}
select 1 as id, 'b' as code{% if is_incremental() %}, 2.5::numeric as more{% endif %}
