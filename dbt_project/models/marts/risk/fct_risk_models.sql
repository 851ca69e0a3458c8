-- Every model of the register and the committed one, with its scores on days it did not know, and
-- which of them prices. Before the first promotion the committed one does.
with

registered as (
    select * from {{ ref('stg_risk__models') }}
),

promotions as (
    select * from {{ ref('stg_risk__promotions') }}
),

committed as (
    select * from {{ ref('model_scores') }}
),

scored as (
    select
        model_version,
        kind,
        data_source,
        true as is_committed,
        row_count,
        day_count,
        held_out_row_count,
        held_out_day_count,
        brier_ppm,
        log_loss_ppm,
        ece_ppm,
        auc_ppm,
        mean_said_ppm,
        base_rate_ppm,
        closed_form_brier_ppm,
        cast(null as varchar) as compared_with,
        cast(null as bigint) as brier_difference_ppm,
        cast(null as bigint) as brier_difference_low_ppm,
        cast(null as bigint) as brier_difference_high_ppm,
        cast(null as boolean) as is_gate_passed,
        cast(null as varchar) as gate_reasons,
        cast(null as timestamptz) as registered_at
    from committed
    union all by name
    -- A way back to the committed model writes it into the register, without scores.
    select
        * exclude (data_hash, parameters_hash, metrics),
        false as is_committed
    from registered
    where model_version not in (select model_version from committed)
),

newest as (
    select
        model_version,
        promoted_at
    from promotions
    order by promotion_id desc
    limit 1
),

times as (
    select
        model_version,
        count(*) as promotion_count
    from promotions
    group by model_version
),

placed as (
    select
        scored.*,
        coalesce(times.promotion_count, 0) as promotion_count,
        coalesce(scored.model_version = newest.model_version, scored.is_committed) as is_champion,
        case
            when scored.model_version = newest.model_version then newest.promoted_at
        end as champion_since_at
    from scored
    left join newest on true
    left join times on scored.model_version = times.model_version
)

select * from placed
