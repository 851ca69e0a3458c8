with

source as (
    select * from {{ source('risk', 'models') }}
),

renamed as (
    select
        model_version,
        kind,
        data_source,
        data_hash,
        row_count,
        parameters_hash,
        metrics,
        cast(metrics ->> '$.days' as integer) as day_count,
        cast(metrics ->> '$.held_out.rows' as bigint) as held_out_row_count,
        cast(metrics ->> '$.held_out_days' as integer) as held_out_day_count,
        cast(metrics ->> '$.held_out.brier_ppm' as bigint) as brier_ppm,
        cast(metrics ->> '$.held_out.log_loss_ppm' as bigint) as log_loss_ppm,
        cast(metrics ->> '$.held_out.ece_ppm' as bigint) as ece_ppm,
        cast(metrics ->> '$.held_out.auc_ppm' as bigint) as auc_ppm,
        cast(metrics ->> '$.held_out.mean_said_ppm' as bigint) as mean_said_ppm,
        cast(metrics ->> '$.held_out.base_rate_ppm' as bigint) as base_rate_ppm,
        cast(metrics ->> '$.closed_form.brier_ppm' as bigint) as closed_form_brier_ppm,
        metrics ->> '$.champion_version' as compared_with,
        cast(metrics ->> '$.against_champion.mean_ppm' as bigint) as brier_difference_ppm,
        cast(metrics ->> '$.against_champion.low_ppm' as bigint) as brier_difference_low_ppm,
        cast(metrics ->> '$.against_champion.high_ppm' as bigint) as brier_difference_high_ppm,
        cast(metrics ->> '$.gate.is_passed' as boolean) as is_gate_passed,
        array_to_string(cast(metrics -> '$.gate.reasons' as varchar[]), '; ') as gate_reasons,
        {{ to_time('created_at_ms') }} as registered_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['model_version'], ['registered_at desc']) }}
)

select * from deduplicated
