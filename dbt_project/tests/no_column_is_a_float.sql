-- Harm: a rounded binary number in a decision pays a cent too much, ten thousand times.
-- depends_on: {{ ref('fct_payout_batches') }}, {{ ref('fct_policies') }}
-- depends_on: {{ ref('fct_ledger_entries') }}, {{ ref('fct_covers') }}
select
    table_schema,
    table_name,
    column_name,
    data_type
from information_schema.columns
where
    table_catalog = current_database()
    and (data_type in ('DOUBLE', 'FLOAT', 'REAL') or data_type like '%DOUBLE%')
