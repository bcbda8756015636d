{{ config(materialized='counted_table', alias='counted_things',
  pre_hook=["insert into {{ target.schema }}_log values ('pre', 'in')", {"sql": "insert into {{ target.schema }}_log values ('pre', 'out')", "transaction": false}],
  post_hook=after_commit("insert into " ~ target.schema ~ "_log values ('after', 'commit')")) }}
select id from {{ ref('types') }}
