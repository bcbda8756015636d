{{ config(materialized='materialized_view', on_configuration_change=var('on_change', 'apply'),
          indexes=[{'columns': [var('indexed', 'code')]}] + ([{'columns': ['rate']}] if var('more', false) else [])) }}
select code, rate from {{ ref('rates') }}
