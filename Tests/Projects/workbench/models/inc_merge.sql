{{ config(materialized='incremental', unique_key='id', incremental_strategy='merge', merge_exclude_columns=['keep'], on_schema_change='sync_all_columns') }}
select id, repeat('x', {{ var('step') }} * 3)::varchar({{ var('step') * 10 }}) as text, {{ var('step') }} as keep {% if var('step') == 1 %}, 1 as gone{% else %}, 2.5 as fresh{% endif %} from {{ ref('base') }}
