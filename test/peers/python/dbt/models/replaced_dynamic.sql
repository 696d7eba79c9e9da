{{ config(materialized='incremental', incremental_strategy='dynamic_overwrite') }}
select max(name) as last_name from shop.people
