{{ config(materialized='table', pre_hook=["select 'inside {{ this }}'", {'sql': "select 'outside before'", 'transaction': false}, before_begin("select 'before begin'")],
          post_hook=["create index if not exists ix_hooked on {{ this }} (code)", {'sql': "vacuum {{ this }}", 'transaction': false}, after_commit("select 'after commit'"), "  "]) }}
select * from {{ ref('rates') }}
