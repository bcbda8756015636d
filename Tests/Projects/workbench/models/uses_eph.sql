{{ config(materialized='table', indexes=[{'columns': ['id'], 'unique': true}, {'columns': ['twice', 'id'], 'type': 'btree'}], unlogged=true) }}
/* a comment */
with own as (select 1 as one)
select e.id, e.name, f.twice, own.one from {{ ref('eph') }} e join {{ ref('eph2') }} f using (id) cross join own
