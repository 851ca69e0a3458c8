-- The models of liquidation chances side by side; the one that prices comes first.
with

models as (
    select * from {{ ref('fct_risk_models') }}
),

named as (
    select
        *,
        case
            when is_champion then 'prices now'
            when promotion_count > 0 or is_committed then 'priced before'
            when is_gate_passed then 'passed the gate'
            else 'did not pass the gate'
        end as standing,
        closed_form_brier_ppm - brier_ppm as brier_gain_ppm
    from models
)

select * from named
