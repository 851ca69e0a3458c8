with

claims as (
    select * from {{ ref('fct_claims') }}
),

verdicts as (
    select * from {{ ref('fct_verdicts') }}
),

unsealed as (
    select
        claims.*,
        verdicts.reasons as refusal,
        verdicts.decided_at as refused_at
    from claims
    inner join verdicts on claims.claim_id = verdicts.claim_id
    where verdicts.is_latest and verdicts.reasons like 'NOT_SEALED%'
)

select * from unsealed
