{{ config(materialized='materialized_view', indexes=[{'columns': ['id'], 'unique': var('step') > 1}]) }}
select id, name from {{ ref('types') }}
