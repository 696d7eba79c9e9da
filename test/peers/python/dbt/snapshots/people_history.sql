{% snapshot people_history %}
{{ config(target_schema='shop', unique_key='id', strategy='timestamp', updated_at='changed_at') }}
select id, name, changed_at from shop.people
{% endsnapshot %}
