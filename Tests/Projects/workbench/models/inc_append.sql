{{ config(materialized='incremental') }}
select {{ var('step') }} as step, count(*) as n {% if is_incremental() %}, 'again' as how{% else %}, 'first' as how{% endif %} from {{ ref('base') }}
