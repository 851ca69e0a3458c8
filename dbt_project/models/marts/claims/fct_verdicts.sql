with

verdicts as (
    select * from {{ ref('stg_evidence__verdicts') }}
),

ordered as (
    select
        claim_id,
        verdict_no,
        decided_at,
        cause,
        verdict,
        reasons,
        hold_reasons,
        approved_micro_usdc,
        evidence_root,
        rules_version,
        product_version,
        standing,
        verdict_no = max(verdict_no) over (partition by claim_id) as is_latest
    from verdicts
)

select * from ordered
