-- Harm: Parquet keeps a 128-bit whole number as a binary double: an amount comes back another one.
-- depends_on: {{ ref('fct_payout_batches') }}, {{ ref('fct_policies') }}
-- depends_on: {{ ref('fct_ledger_entries') }}, {{ ref('fct_risk_features') }}
select
    table_schema,
    table_name,
    column_name,
    data_type
from information_schema.columns
where
    table_catalog = current_database()
    and data_type like '%HUGEINT%'
