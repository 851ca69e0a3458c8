-- A holder who is liquidated again and again is reviewed before more is paid.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

liquidations as (
    select * from {{ ref('int_contexts__party_liquidations') }}
),

limits as (
    {{ thresholds() }}
),

counted as (
    select
        claims.claim_id,
        count(distinct liquidations.position_key) as liquidation_count
    from claims
    cross join limits
    inner join liquidations
        on
            claims.party_key = liquidations.party_key
            and epoch_ms(claims.liquidated_at) >= liquidations.liquidated_at_ms
            and epoch_ms(claims.liquidated_at - to_days(cast(limits.velocity_days as integer)))
            < liquidations.liquidated_at_ms
    group by claims.claim_id
),

checked as (
    select
        claims.claim_id,
        'VELOCITY' as check_code,
        {{ check_result(
            'coalesce(counted.liquidation_count, 0) <= limits.velocity_free_count',
            'claims.is_covered_kind'
        ) }} as result,
        true as is_hold,
        claims.is_covered_kind as is_applicable,
        concat_ws(
            ' ', coalesce(counted.liquidation_count, 0), 'liquidated positions in',
            limits.velocity_days, 'days'
        ) as observed,
        'at most ' || limits.velocity_free_count as expected,
        {{ evidence_ids('claims.evidence_hashes') }} as evidence_ids
    from claims
    cross join limits
    left join counted on claims.claim_id = counted.claim_id
)

select * from checked
