{{ config(materialized='incremental') }}
select id, name from shop.people
{% if is_incremental() %}
where id > (select max(id) from {{ this }})
{% endif %}
