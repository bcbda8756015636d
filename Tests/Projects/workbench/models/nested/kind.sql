{{ config(materialized=('table' if var('step') == 1 else 'view')) }}
select {{ var('step') }} as step
