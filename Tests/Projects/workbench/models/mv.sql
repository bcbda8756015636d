{{ config(materialized='materialized_view', indexes=[{'columns': ['id']}]) }}
select id, name from {{ ref('types') }}
