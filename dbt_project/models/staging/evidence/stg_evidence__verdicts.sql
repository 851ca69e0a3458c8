with

source as (
    select * from {{ source('verdicts', 'verdicts') }}
),

renamed as (
    select
        claim_id,
        verdict_no,
        verdict,
        reasons,
        hold_reasons,
        approved_micro_usdc,
        lower(evidence_root) as evidence_root,
        rules_version,
        product_version,
        cause,
        standing,
        {{ to_time('decided_at_ms') }} as decided_at
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['claim_id', 'verdict_no'], ['decided_at', 'evidence_root']) }}
)

select * from deduplicated
