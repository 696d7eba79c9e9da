{{ config(materialized='incremental', incremental_strategy='insert_overwrite') }}
select count(*) as people, max(id) as last_id from shop.people
