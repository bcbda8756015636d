{{ config(materialized='table', tags=['own']) }} select {{ var('depth') }} as id, {{ helper() }}
