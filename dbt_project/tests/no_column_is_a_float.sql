-- Harm: a rounded binary number in a decision pays a cent too much, ten thousand times.
-- depends_on: {{ ref('fct_payout_batches') }}, {{ ref('fct_policies') }}
-- depends_on: {{ ref('rpt_last_batches') }}
-- depends_on: {{ ref('rpt_claims_funnel') }}, {{ ref('rpt_pool_balance') }}
select
    table_schema,
    table_name,
    column_name,
    data_type
from information_schema.columns
where
    table_catalog = current_database()
    and (data_type in ('DOUBLE', 'FLOAT', 'REAL') or data_type like '%DOUBLE%')
